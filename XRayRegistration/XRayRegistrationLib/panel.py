"""The XRayRegistration panel: films, CT, start, registration, check, sequence, preparation."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _
from XRayLib.case import Result
from XRayLib.errors import XRay3DError
from XRayLib.geometry import isocenter_of
from XRayLib.scene.film_views import is_in_slices, show_in_slices
from XRayLib.scene.matrices import local_to_world
from XRayLib.scene.panel.allowed import allow
from XRayLib.scene.panel.case_panel import CasePanel
from XRayLib.scene.panel.organ_choice import OrganChoice
from XRayLib.scene.panel.preparation import PreparationPanel
from XRayLib.scene.radiograph_nodes import film_geometry
from XRayLib.scene.volume_nodes import show_as_ct
from XRayLib.scene.worker_session import gui_client

from XRayRegistrationLib.panel_attached import AttachedNodes
from XRayRegistrationLib.panel_decision import PoseDecision
from XRayRegistrationLib.panel_deformation import DeformationSwitch, carrier
from XRayRegistrationLib.panel_frames import FramePanel
from XRayRegistrationLib.panel_landmarks import LandmarkPanel
from XRayRegistrationLib.panel_method import PoseMethodChoice
from XRayRegistrationLib.panel_outlines import MovedOutlines
from XRayRegistrationLib.panel_overlay import FilmOverlays
from XRayRegistrationLib.panel_pose import PoseControls
from XRayRegistrationLib.panel_prepared import PreparedChoice
from XRayRegistrationLib.panel_reprojection import LiveReprojection, Reprojected
from XRayRegistrationLib.panel_run import RegistrationRuns
from XRayRegistrationLib.panel_samples import SampleCase
from XRayRegistrationLib.panel_start import start_hint
from XRayRegistrationLib.panel_views import CaseViews


class RegistrationPanel(CasePanel):
    """A CT on films."""

    no_result = _("Choose a CT and add an X-ray.")

    def __init__(self, ui: Any) -> None:
        super().__init__(ui, gui_client())
        self.views = CaseViews(ui)
        self.sample = SampleCase(self)
        self.frames = FramePanel(ui, self.filmNodes, on_shown=self._frame_shown)
        self.deformation = DeformationSwitch(ui, self.frames)
        self.pose = PoseControls(ui, on_moved=self._moved, beside=self.deformation.state, on_back=self._step_back)
        self.live = LiveReprojection(self.client, on_done=self._reprojected, on_error=self._failed)
        self.overlays = FilmOverlays(ui)
        self.outlines = MovedOutlines(ui, self.shownFilms, lambda: self.attached.moving())
        self.attached = AttachedNodes(
            ui, lambda: carrier(self.parameterNode), self._ensure_carrier, on_changed=self.outlines.refresh
        )
        self.decision = PoseDecision(
            ui,
            on_changed=self.refresh,
            on_show_anyway=self._show_anyway,
            deformation_text=lambda: self.deformation.text,
        )
        self.choice = PoseMethodChoice(ui, on_changed=self._method_chosen)
        self.organ = OrganChoice(ui, self.client, on_changed=self.refresh)
        self.runs = RegistrationRuns(self)
        self.landmarks = LandmarkPanel(
            ui, self.frames.films, on_changed=self._landmarks_changed, on_place=self.runs.placeByLandmarks
        )
        self.prepared = PreparedChoice(
            ui,
            self._ct_volume,
            self.organ,
            films=self.filmNodes,
            device=lambda: self.runs.device.value,
            on_changed=self.refresh,
        )
        self.preparation = PreparationPanel(ui, gui_client, self.prepared)
        ui.showButton.connect("clicked(bool)", lambda _checked=False: self.showFilms())
        ui.centerButton.connect("clicked(bool)", self.centerOnFilms)
        for section in (
            ui.ctCollapsibleButton,
            ui.registerCollapsibleButton,
            ui.sequenceCollapsibleButton,
            ui.prepareCollapsibleButton,
        ):
            section.connect("contentsCollapsed(bool)", lambda _collapsed: self.refresh())

    # Parameter node

    def parameterNodeReplaced(self, node: Any) -> None:
        """Every part works on the new node; without one, filling the sliders one by one cannot move the CT."""
        for part in (
            self.pose,
            self.deformation,
            self.attached,
            self.outlines,
            self.landmarks,
            self.frames,
            self.decision,
            self.organ,
            self.prepared,
            self.preparation,
        ):
            part.follow(node)
        self.views.forget()
        if node is not None:
            self.choice.select(node.method)
            self.views.keep_view(node.ctVolume, self.filmNodes())

    def showState(self, films: list[Any]) -> None:
        """Every section as the parameter node says."""
        node, shown, locked = self.parameterNode, self.shownFilms(), self.decision.locked
        tip = _("Show the X-rays in their own views beside the CT.")
        allow(self.ui.showButton, bool(films), _("Add an X-ray first."), tip)
        center_reason = _("The pose is accepted: press Edit to change it.") if locked else self.no_result
        allow(self.ui.centerButton, bool(shown) and node.ctVolume is not None and not locked, center_reason)
        self.sample.refresh(films)
        self.views.refresh(node, films, shown)
        self.frames.refresh()
        self.pose.refresh(locked)
        self.deformation.refresh()
        self.attached.refresh(node.ctVolume is not None)
        self.landmarks.refresh()
        self._show_organ()
        self.runs.refresh(shown, locked)
        self.ui.startHintLabel.text = start_hint(node, shown)
        self._show_card()
        self.overlays.keep(shown)
        self.overlays.draw(node.overlayMode.value, node.overlayOpacity)
        self.preparation.refresh()
        self.reproject()
        if self.views.are_new(node.ctVolume, films):
            self.showFilms()

    def _show_organ(self) -> None:
        """Only where something follows its motion."""
        for widget in (self.ui.organLabel, self.ui.organWidget):
            widget.setVisible(self.choice.deforms or self.prepared.follows_organ)
        self.organ.refresh(self.parameterNode.ctVolume)

    def _show_card(self) -> None:
        node = self.parameterNode
        middle = None if node.ctVolume is None or node.ctVolume.GetImageData() is None else self.pose.pivot()
        try:
            films = [film_geometry(film) for film in self.shownFilms()]
            pose = np.eye(4) if node.ctVolume is None else local_to_world(node.ctVolume)
        except XRay3DError as error:
            self.say(str(error))
            return
        self.decision.refresh(middle, pose, films)

    # Films and frames

    def shownFilms(self) -> list[Any]:
        """The X-rays of the shown frame."""
        return self.frames.films() if self.parameterNode else []

    def showViews(self) -> None:
        """Films in their own views, the CT in the slice views."""
        super().showViews()
        if self.filmNodes() and self.parameterNode.ctVolume is not None:
            show_as_ct(self.parameterNode.ctVolume)
            if not is_in_slices(self.parameterNode.ctVolume):
                self.showSlices()
            self.views.look(self.parameterNode.ctVolume, self.filmNodes(), self.shownFilms())
        self.overlays.draw(self.parameterNode.overlayMode.value, self.parameterNode.overlayOpacity)

    def showSlices(self) -> None:
        """The CT, where its pose puts it, in the slice views; while the user is away, all views on his return."""
        if self.away:
            self.showFilms()
        else:
            show_in_slices(self.parameterNode.ctVolume)

    def blendFilms(self, opacity: float) -> None:
        """0 shows the films, 1 their re-projections, when they are blended at all."""
        if self.parameterNode is not None:
            self.overlays.draw(self.parameterNode.overlayMode.value, opacity)

    def _frame_shown(self) -> None:
        if self.parameterNode.poseTransform is not None:
            self.pose.restart()
        self.showFilms()
        self.refresh()

    # Pose

    def centerOnFilms(self, _checked: bool = False) -> None:
        """Put the middle of the CT where the central rays meet."""
        with slicer.util.tryWithErrorDisplay(_("The CT could not be centered.")):
            target = isocenter_of([film_geometry(node) for node in self.shownFilms()])
            self.pose.moveMiddleTo(target)

    def _ensure_carrier(self) -> Any:
        self.pose.ensureTransform()
        return carrier(self.parameterNode)

    def _moved(self) -> None:
        self.landmarks.showTable()
        self.runs.refresh(self.shownFilms(), self.decision.locked)
        self._show_card()
        self.reproject()

    def _step_back(self, deformation: Any) -> None:
        self.deformation.restore(deformation)
        self.refresh()

    def _show_anyway(self, result: Result) -> None:
        self.runs.move(result)
        self.refresh()

    def _landmarks_changed(self) -> None:
        self.runs.refresh(self.shownFilms(), self.decision.locked)
        self.ui.startHintLabel.text = start_hint(self.parameterNode, self.shownFilms())

    def _method_chosen(self, method_id: str) -> None:
        if self.parameterNode is not None:
            self.parameterNode.method = method_id

    def _ct_volume(self) -> Any:
        """The CT as a Volume in its own RAS, None without one."""
        ct = None if self.parameterNode is None else self.parameterNode.ctVolume
        return None if ct is None or ct.GetImageData() is None else self.live.volume(ct)

    # Re-projection

    def projectedVolume(self) -> Any:
        """The CT, wherever its pose puts it."""
        return self.parameterNode.ctVolume

    def reproject(self) -> None:
        """Ask for new re-projections when they are wanted and possible; the latest pose wins."""
        node = self.parameterNode
        if node is not None and node.ctVolume is None:
            self.overlays.clear()
            self.ui.qualityLabel.text = self.no_result
        if node is None or not node.liveReprojection or node.ctVolume is None or self.runs.bar.tools.missing:
            return
        films = self.shownFilms()
        if not films:
            self.ui.qualityLabel.text = _("Add an X-ray.")
            return
        try:
            self.live.request(node.ctVolume, films, node.deformation if node.showDeformed else None)
        except XRay3DError as error:
            self.say(str(error))

    def _reprojected(self, shown: list[Reprojected]) -> None:
        if self.parameterNode is None:
            return
        self.overlays.show(shown, self.parameterNode.overlayMode.value, self.parameterNode.overlayOpacity)
        self.ui.qualityLabel.text = "<br>".join(
            _("<b>X-ray {number}:</b> correlation {value:.3f}").format(number=index, value=one.correlation)
            for index, one in enumerate(shown, start=1)
        )

    def _failed(self, failure: Any) -> None:
        self.say(f"{failure.message} {failure.hint}".strip())

    def forgetScene(self) -> None:
        """The scene closes: a running job's result has nowhere to go."""
        super().forgetScene()
        self.live.forget()
        self.organ.forget()
        self.overlays.keep([])
        self.runs.bar.allow(False, _("The scene is closing."))
        self.runs.bar.idle()
        self.ui.cardLabel.text = ""

    def close(self) -> None:
        """The application closes."""
        super().close()
        self.preparation.close()
