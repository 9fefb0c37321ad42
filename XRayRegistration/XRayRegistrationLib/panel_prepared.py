"""What is prepared in the registration panel: a learned method, for the CT and the organ that are chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from XRayLib.case import SurfaceMesh
from XRayLib.errors import XRay3DError
from XRayLib.metrics.pose import rotation_error_deg
from XRayLib.prepared_method import PreparedMethod
from XRayLib.registry import REGISTERS, methods
from XRayLib.scene.matrices import rigid_local_to_world
from XRayLib.scene.panel.prepared_views import views_deg

COPED_WITH_DEG = 30.0
"""Turned less than this, a CT is still prepared for the films' own angles: what was begun before it was placed can be
continued after."""


class PreparedChoice:
    """Drives prepareComboBox; ``on_changed()`` when another method is chosen."""

    def __init__(
        self,
        ui: Any,
        ct: Callable[[], Any],
        organ: Any,
        films: Callable[[], Sequence[Any]],
        device: Callable[[], str],
        on_changed: Callable[[], None],
    ) -> None:
        self.ui = ui
        self._ct = ct
        self._organ = organ
        self._films = films
        self._device = device
        self._node: Any = None
        found = [m for m in methods().values() if isinstance(m, PreparedMethod) and m.returns in REGISTERS]
        for method in sorted(found, key=lambda method: (method.returns != "pose", method.title)):
            ui.prepareComboBox.addItem(method.title, method.id)
        ui.prepareComboBox.connect("currentIndexChanged(int)", lambda _index: on_changed())

    def follow(self, parameter_node: Any) -> None:
        """Work on this parameter node, or on none."""
        self._node = parameter_node

    @property
    def what(self) -> str:
        """Id of the method to prepare."""
        return self.ui.prepareComboBox.itemData(self.ui.prepareComboBox.currentIndex) or ""

    @property
    def follows_organ(self) -> bool:
        """Whether the section is open for a method that can be told an organ."""
        is_open = not self.ui.prepareCollapsibleButton.collapsed
        return is_open and bool(self.what) and methods()[self.what].returns == "deformation"

    @property
    def ct(self) -> Any:
        """The CT as a Volume in its own RAS, None without one."""
        return self._ct()

    @property
    def organ(self) -> SurfaceMesh | None:
        """The organ whose motion is followed, None for the one that the method finds itself."""
        return self._organ.surface

    @property
    def missing(self) -> str:
        """Why the chosen organ cannot be used, or the views of the films cannot be told."""
        try:
            self._views()
        except XRay3DError as error:
            return str(error)
        return self._organ.problem

    @property
    def settings(self) -> Mapping[str, Any]:
        """Of the preparation: for the angles of the films that are there."""
        settings, views = {"minutes": float(self._node.prepareMinutes), "device": self._device()}, self._views()
        return {**settings, "views_deg": views} if views else settings

    def _views(self) -> list[tuple[float, float]]:
        ct = None if self._node is None else self._node.ctVolume
        if ct is None:
            return []
        pose = rigid_local_to_world(ct)
        is_turned = rotation_error_deg(np.eye(4), pose) > COPED_WITH_DEG
        return views_deg(self._films(), pose if is_turned else np.eye(4))
