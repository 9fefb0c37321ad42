"""Choice of an organ in the scene, a model or a segment, and its surface as methods take it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _

from XRayLib.case import SurfaceMesh
from XRayLib.ct import Volume
from XRayLib.errors import XRay3DError
from XRayLib.scene.organ_source import OrganSource, content_key, is_ready, is_segmentation, segment_names


class OrganChoice:
    """Drives organSelector and segmentComboBox; a parameter node with organNode and organSegment keeps the choice.

    Labels and fine models are meshed in the worker, once per organ; ``on_changed()`` when a surface has come.
    """

    def __init__(self, ui: Any, client: Any, on_changed: Callable[[], None]) -> None:
        self.ui = ui
        self._client = client
        self._on_changed = on_changed
        self._node: Any = None
        self._version: tuple | None = None
        self._key = ""
        self._surface: SurfaceMesh | None = None
        self._problem = ""
        self._updating = False
        # By hand: a parameter node cannot bind a selector to "a model or a segmentation" in every version of Slicer.
        ui.organSelector.connect("currentNodeChanged(vtkMRMLNode*)", self._node_chosen)
        ui.segmentComboBox.connect("currentIndexChanged(int)", self._segment_chosen)

    def follow(self, parameter_node: Any) -> None:
        """Work on this parameter node, or on none."""
        self._node = parameter_node
        self._show_node()

    def forget(self) -> None:
        """The scene is gone, and with it the organ."""
        self._version, self._key, self._surface, self._problem = None, "", None, ""

    @property
    def source(self) -> OrganSource | None:
        """The chosen organ, None while none is."""
        node = None if self._node is None else self._node.organNode
        if node is None or (self._node.organSegment not in segment_names(node) and is_segmentation(node)):
            return None
        return OrganSource(node, self._node.organSegment if is_segmentation(node) else "")

    @property
    def surface(self) -> SurfaceMesh | None:
        """The organ in CT RAS: the same object until it changes; None while it is being made or cannot be."""
        return self._surface

    @property
    def problem(self) -> str:
        """Why there is no surface, in one sentence; empty when there is one, and when no organ is chosen."""
        return self._problem

    def refresh(self, ct: Any) -> None:
        """Show the segments, and see to the surface of the organ in this CT node."""
        self._show_node()
        self._show_segments()
        source = self.source
        if source is None or ct is None or ct.GetImageData() is None:
            self.forget()
            return
        try:
            version = source.version(ct)
            if version != self._version:
                self._version = version
                self._take(source.in_ct(ct))
        except XRay3DError as error:
            self._key, self._surface, self._problem = "", None, str(error)

    def _take(self, organ: Volume | SurfaceMesh) -> None:
        key = content_key(organ)
        if key == self._key:
            return
        self._key, self._surface, self._problem = key, None, _("The organ's surface is being made.")
        if isinstance(organ, SurfaceMesh) and is_ready(organ):
            self._surface, self._problem = organ, ""
        else:
            self._mesh_in_worker(organ, key)

    def _mesh_in_worker(self, organ: Volume | SurfaceMesh, key: str) -> None:
        def made(surface: SurfaceMesh) -> None:
            if key == self._key:
                self._surface, self._problem = surface, ""
                self._on_changed()

        def failed(failure: Any) -> None:
            if key == self._key:
                self._problem = f"{failure.message} {failure.hint}".strip()  # asked again when the organ changes
                self._on_changed()

        self._client.organ_template(organ, on_result=made, on_error=failed)

    def _show_node(self) -> None:
        if self._node is not None and self.ui.organSelector.currentNode() is not self._node.organNode:
            self._updating = True
            self.ui.organSelector.setCurrentNode(self._node.organNode)
            self._updating = False

    def _node_chosen(self, node: Any) -> None:
        if self._node is not None and not self._updating:
            self._node.organNode = node

    def _show_segments(self) -> None:
        combo, node = self.ui.segmentComboBox, None if self._node is None else self._node.organNode
        segments = segment_names(node)
        combo.setVisible(is_segmentation(node))
        if [combo.itemData(index) for index in range(combo.count)] != list(segments):
            was_blocked = combo.blockSignals(True)
            combo.clear()
            for segment_id, name in segments.items():
                combo.addItem(name, segment_id)
            combo.blockSignals(was_blocked)
        if segments and self._node.organSegment not in segments:
            self._node.organSegment = next(iter(segments))
        if segments:
            was_blocked = combo.blockSignals(True)
            combo.setCurrentIndex(list(segments).index(self._node.organSegment))
            combo.blockSignals(was_blocked)

    def _segment_chosen(self, index: int) -> None:
        chosen = self.ui.segmentComboBox.itemData(index)
        if self._node is not None and chosen:
            self._node.organSegment = chosen
