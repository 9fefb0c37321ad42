"""The patient of the case, for methods that know one: CT, where it lies, and the organ."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from slicer.i18n import tr as _
from XRayLib.case import Case, SurfaceMesh
from XRayLib.ct import Volume
from XRayLib.errors import XRay3DError
from XRayLib.prepared_method import PreparedMethod
from XRayLib.radiograph import Radiograph
from XRayLib.registry import Method
from XRayLib.scene.ct_in_memory import CtInMemory
from XRayLib.scene.matrices import pose_above, rigid_local_to_world, rigid_to_world
from XRayLib.scene.panel.organ_choice import OrganChoice
from XRayLib.scene.panel.prepared_views import views_deg


class PatientChoice:
    """Drives the Patient section. ``chosen_method()`` is the method that the patient is for."""

    def __init__(
        self,
        ui: Any,
        client: Any,
        chosen_method: Callable[[], Method],
        films: Callable[[], Sequence[Any]],
        device: Callable[[], str],
        on_changed: Callable[[], None],
    ) -> None:
        self.ui = ui
        self.organs = OrganChoice(ui, client, on_changed)
        self._method = chosen_method
        self._films = films
        self._device = device
        self._ct = CtInMemory()
        self._node: Any = None

    def follow(self, parameter_node: Any) -> None:
        """Work on this parameter node, or on none."""
        self._node = parameter_node
        self.organs.follow(parameter_node)

    def forget(self) -> None:
        """The scene is gone."""
        self._ct.forget()
        self.organs.forget()

    def refresh(self) -> None:
        """Show what the method can be given."""
        needs = self._method().needs
        self.ui.patientCollapsibleButton.setVisible(needs.takes_ct)
        self.ui.prepareCollapsibleButton.setVisible(bool(self.what))
        for widget in (self.ui.organLabel, self.ui.organWidget):
            widget.setVisible(needs.mesh)
        if needs.mesh:
            self.organs.refresh(self._node.ctVolume)

    def case(self, radiographs: Sequence[Radiograph]) -> Case:
        """The case of the radiographs (world RAS) and of what the method takes of the patient."""
        needs = self._method().needs
        if not needs.takes_ct or self.ct is None:
            return Case(tuple(radiographs))
        mesh = self.organs.surface if needs.mesh else None
        return Case(tuple(radiographs), ct=self.ct, mesh=mesh, initial_ct_to_world=self.pose())

    @property
    def pose_node(self) -> Any:
        """The transform that places the CT; None where it was scanned."""
        return self._node.ctPose or pose_above(self._node.ctVolume)

    def pose(self) -> np.ndarray:
        """(4, 4) from CT RAS to world RAS. Raises InputError when it is not rigid."""
        chosen = self._node.ctPose
        return rigid_local_to_world(self._node.ctVolume) if chosen is None else rigid_to_world(chosen)

    def version(self) -> tuple:
        """Changes when ``case`` may have."""
        needs = self._method().needs
        if not needs.takes_ct or self._node.ctVolume is None:
            return ()
        try:
            place = self.pose().tobytes()
        except XRay3DError as error:
            place = str(error).encode()
        return id(self.ct), place, id(self.organs.surface), self.organs.problem

    # What is prepared, see XRayLib.scene.panel.preparation.Chosen

    @property
    def what(self) -> str:
        """Id of the method when it is one that is prepared."""
        return self._method().id if isinstance(self._method(), PreparedMethod) else ""

    @property
    def ct(self) -> Volume | None:
        """The CT in its own RAS, None without one."""
        node = None if self._node is None else self._node.ctVolume
        return None if node is None or node.GetImageData() is None else self._ct.volume(node)

    @property
    def organ(self) -> SurfaceMesh | None:
        """The organ in CT RAS, None without one."""
        return self.organs.surface if self._method().needs.mesh else None

    @property
    def missing(self) -> str:
        """Why there is nothing to prepare for: no organ, or a CT or films whose place cannot be used."""
        if self.ct is not None:
            try:
                views_deg(self._films(), self.pose())
            except XRay3DError as error:
                return str(error)
        if not self._method().needs.mesh or self.organs.surface is not None:
            return ""
        return self.organs.problem or _("Choose the organ first.")

    @property
    def settings(self) -> Mapping[str, Any]:
        """Of the preparation: for the angles of the films that are there."""
        settings = {"minutes": float(self._node.prepareMinutes), "device": self._device()}
        views = views_deg(self._films(), self.pose())
        return {**settings, "views_deg": views} if views else settings
