"""How far the volume can be trusted: the colours over its slices, and what they say in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import slicer
from slicer.i18n import tr as _
from XRayLib.errors import XRay3DError
from XRayLib.jobs.volume_jobs import undetermined_job
from XRayLib.scene.confidence_nodes import UNCERTAINTY_ROLE, UNDETERMINED_ROLE, color_slices, put_undetermined
from XRayLib.scene.panel.allowed import allow
from XRayLib.scene.panel.job_bar import JobBar
from XRayLib.scene.provenance import read_attribute
from XRayLib.scene.radiograph_nodes import radiograph_from_node
from XRayLib.scene.volume_nodes import volume_from_node


class TrustPanel:
    """Drives trustComboBox, undeterminedButton and trustTextLabel. ``films()`` gives the X-rays, ``device()`` where to
    compute."""

    def __init__(
        self, ui: Any, client: Any, bar: JobBar, films: Callable[[], Sequence[Any]], device: Callable[[], str]
    ) -> None:
        self.ui = ui
        self.client = client
        self._bar = bar
        self._films = films
        self._device = device
        self._node: Any = None
        ui.undeterminedButton.connect("clicked(bool)", self.find)

    def follow(self, parameter_node: Any) -> None:
        """Work on this parameter node, or on none."""
        self._node = parameter_node

    def refresh(self, returns_mesh: bool) -> None:
        """Colour the slices as chosen, and say what the colours mean."""
        ui = self.ui
        for widget in (ui.trustLabel, ui.trustComboBox, ui.undeterminedButton, ui.trustTextLabel):
            widget.setVisible(not returns_mesh)
        reason = self._reason_against()
        tip = _("Project random changes of the volume into these views and see how much of them can be recovered.")
        allow(ui.undeterminedButton, not reason, reason, tip)
        volume = self._node.outputVolume
        if volume is not None and not returns_mesh:
            role = self._node.sliceColoring.value
            chosen = volume.GetNodeReference(role) if role in (UNCERTAINTY_ROLE, UNDETERMINED_ROLE) else None
            color_slices(volume, chosen)
            ui.trustTextLabel.text = self._words(role, chosen)
        else:
            ui.trustTextLabel.text = ""

    def _reason_against(self) -> str:
        if self._bar.running:
            return _("A job is running.")
        if self._bar.tools.missing:
            return _("Install the components first.")
        if self._node.outputVolume is None:
            return _("Apply first: there is no volume.")
        return "" if self._films() else _("Add the X-rays of the volume first.")

    def _words(self, role: str, chosen: Any) -> str:
        if role == UNCERTAINTY_ROLE and chosen is None:
            return _("This method gives no uncertainty.")
        if role == UNDETERMINED_ROLE and chosen is None:
            return _("Not computed yet: press the button above.")
        if role == UNCERTAINTY_ROLE:
            return _("How sure the method says it is (standard deviation in HU). It can be wrong where it is sure.")
        return "" if chosen is None else read_attribute(chosen, "Statement")

    def find(self, _checked: bool = False) -> None:
        """Compute in the worker what the X-rays leave open, then show it."""
        volume = self._node.outputVolume
        try:
            given, films = volume_from_node(volume), [radiograph_from_node(film) for film in self._films()]
        except XRay3DError as error:
            self._bar.say(str(error))
            return
        version = volume.GetImageData().GetMTime()

        def show(found: Any) -> None:
            gone = volume.GetScene() is None or volume.GetImageData().GetMTime() != version
            if self._node is None or gone:
                return
            with slicer.util.tryWithErrorDisplay(_("The result could not be shown."), waitCursor=True):
                put_undetermined(found, volume)
                self._node.sliceColoring = type(self._node.sliceColoring)(UNDETERMINED_ROLE)
                self.refresh(returns_mesh=False)

        self._bar.run(lambda calls: self.client.submit(undetermined_job(given, films, self._device(), calls)), show)
