"""The layout manager without widgets: which views a layout has, and one offscreen view per view node.

Method names are those of Slicer's qMRMLLayoutManager, so that code written for the application runs unchanged.
"""

from __future__ import annotations

from typing import Any

from XRayLib.scene.headless_widgets import SliceWidget, ThreeDWidget
from XRayLib.scene.offscreen_slice import OffscreenSliceView
from XRayLib.scene.offscreen_threed import OffscreenThreeDView
from XRayLib.scene.offscreen_view import OffscreenView


class HeadlessLayoutManager:
    """Creates a view when its node enters the scene's layout and keeps it while the node lives."""

    def __init__(self, slicer: Any, application_logic: Any, scene: Any) -> None:
        self._slicer = slicer
        self._application_logic = application_logic
        self._scene = scene
        self._views: dict[str, OffscreenView] = {}
        self._logic = slicer.vtkMRMLLayoutLogic()
        self._logic.SetMRMLApplicationLogic(application_logic)
        self._logic.SetMRMLScene(scene)

    def layoutLogic(self) -> Any:
        """The vtkMRMLLayoutLogic; ``GetLayoutNode()`` takes custom layout descriptions."""
        return self._logic

    @property
    def layout(self) -> int:
        """Number of the layout that is shown."""
        return self._logic.GetLayoutNode().GetViewArrangement()

    def setLayout(self, layout: int) -> None:
        """Show a layout by its number; its views are created when they are new."""
        self._logic.GetLayoutNode().SetViewArrangement(layout)
        self.update_views()

    def update_views(self) -> None:
        """One view per slice node and view node of the scene; views of removed nodes are closed."""
        nodes = {
            node.GetID(): node
            for class_name in ("vtkMRMLSliceNode", "vtkMRMLViewNode")
            for node in self._slicer.util.getNodesByClass(class_name, scene=self._scene)
        }
        for node_id in [known for known, view in self._views.items() if nodes.get(known) is not view.node]:
            self._close(node_id)
        for node_id, node in nodes.items():
            if node_id not in self._views:
                kind = OffscreenSliceView if node.IsA("vtkMRMLSliceNode") else OffscreenThreeDView
                self._views[node_id] = kind(self._slicer, self._application_logic, node)

    def views(self) -> tuple[OffscreenView, ...]:
        """Every view, shown in the current layout or not."""
        self.update_views()
        return tuple(self._views.values())

    def shown_views(self) -> tuple[OffscreenView, ...]:
        """The views of the current layout, in its order."""
        nodes = self._logic.GetViewNodes()
        self.update_views()
        ids = [nodes.GetItemAsObject(index).GetID() for index in range(nodes.GetNumberOfItems())]
        return tuple(self._views[node_id] for node_id in ids if node_id in self._views)

    def slice_view(self, tag: str) -> OffscreenSliceView | None:
        """The slice view of that name, None when no layout made one."""
        return next((v for v in self.views() if isinstance(v, OffscreenSliceView) and v.tag == tag), None)

    def three_d_views(self) -> tuple[OffscreenThreeDView, ...]:
        """The 3D views, in the order in which they were made."""
        return tuple(view for view in self.views() if isinstance(view, OffscreenThreeDView))

    def sliceViewNames(self) -> tuple[str, ...]:
        """Names of the slice views."""
        return tuple(view.tag for view in self.views() if isinstance(view, OffscreenSliceView))

    @property
    def threeDViewCount(self) -> int:
        """Number of 3D views."""
        return len(self.three_d_views())

    def mrmlSliceLogics(self) -> Any:
        """vtkCollection of the slice logics."""
        return self._application_logic.GetSliceLogics()

    def sliceWidget(self, name: str) -> SliceWidget | None:
        """The slice view of that name with qMRMLSliceWidget's method names."""
        view = self.slice_view(name)
        return None if view is None else SliceWidget(view)

    def threeDWidget(self, which: int | str) -> ThreeDWidget | None:
        """The 3D view by index or by view name with qMRMLThreeDWidget's method names."""
        views = self.three_d_views()
        if isinstance(which, int):
            return ThreeDWidget(views[which]) if 0 <= which < len(views) else None
        return next((ThreeDWidget(view) for view in views if view.node.GetName() == which or view.tag == which), None)

    def resetThreeDViews(self) -> None:
        """Frame everything in every 3D view."""
        for view in self.three_d_views():
            view.frame()

    def resetSliceViews(self) -> None:
        """Fit every slice view to its volumes."""
        for name in self.sliceViewNames():
            view = self.slice_view(name)
            assert view is not None
            view.logic.FitSliceToAll()

    def _close(self, node_id: str) -> None:
        view = self._views.pop(node_id)
        collections = (self._application_logic.GetSliceLogics(), self._application_logic.GetViewLogics())
        for collection in collections:
            collection.RemoveItem(view.logic)
        view.close()

    def close(self) -> None:
        """Close every view."""
        for node_id in list(self._views):
            self._close(node_id)
