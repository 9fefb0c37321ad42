"""What is prepared in the registration panel: a learned method, for the CT and the organ that are chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from XRayLib.case import SurfaceMesh
from XRayLib.prepared_method import PreparedMethod
from XRayLib.registry import methods

from XRayRegistrationLib.panel_method import REGISTERS


class PreparedChoice:
    """Drives prepareComboBox; ``on_changed()`` when another method is chosen."""

    def __init__(
        self,
        ui: Any,
        ct: Callable[[], Any],
        organ: Any,
        device: Callable[[], str],
        on_changed: Callable[[], None],
    ) -> None:
        self.ui = ui
        self._ct = ct
        self._organ = organ
        self._device = device
        self._node: Any = None
        for method in methods().values():
            if isinstance(method, PreparedMethod) and method.returns in REGISTERS:
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
    def ct(self) -> Any:
        """The CT as a Volume in its own RAS, None without one."""
        return self._ct()

    @property
    def organ(self) -> SurfaceMesh | None:
        """The organ whose motion is followed, None for the one that the method finds itself."""
        return self._organ.surface

    @property
    def missing(self) -> str:
        """Why the chosen organ cannot be used."""
        return self._organ.problem

    @property
    def settings(self) -> Mapping[str, Any]:
        """Of the preparation."""
        return {"minutes": float(self._node.prepareMinutes), "device": self._device()}
