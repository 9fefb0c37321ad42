"""Two volumes and their difference side by side: the same slices in linked views, the metrics below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from XRayLib.scene.comparison_nodes import ComparisonNodes
from XRayLib.scene.layout import OWN_LAYOUTS, layout_is_one_of, slice_logic

ORIENTATIONS = ("Axial", "Coronal")
"""One row of views each."""
COLUMNS = (("A", "#5b8fd6"), ("B", "#e08a1e"), ("Difference", "#9a9a9a"))
"""Label and colour of the views of a column."""
VIEW_GROUP = 10
"""Views of one group are linked with each other alone."""
LAYOUT_IDS = {(2, False): 5941, (3, False): 5942, (2, True): 5943, (3, True): 5944}
"""Layout id by number of columns and whether the table and the chart are below."""


def view_tag(column: int, orientation: str) -> str:
    """The singleton tag of a view, e.g. "CompareAAxial"."""
    return f"Compare{COLUMNS[column][0]}{orientation}"


def layout_description(columns: int, with_metrics: bool) -> str:
    """The layout's XML."""
    rows = "".join(
        f'<item splitSize="400"><layout type="horizontal">{_slice_views(columns, orientation)}</layout></item>'
        for orientation in ORIENTATIONS
    )
    below = (
        '<item splitSize="300"><layout type="horizontal">'
        '<item><view class="vtkMRMLTableViewNode" singletontag="TableView1">'
        '<property name="viewlabel" action="default">T</property></view></item>'
        '<item><view class="vtkMRMLPlotViewNode" singletontag="PlotView1">'
        '<property name="viewlabel" action="default">P</property></view></item></layout></item>'
    )
    return f'<layout type="vertical" split="true">{rows}{below if with_metrics else ""}</layout>'


def _slice_views(columns: int, orientation: str) -> str:
    return "".join(
        f'<item><view class="vtkMRMLSliceNode" singletontag="{view_tag(column, orientation)}">'
        f'<property name="orientation" action="default">{orientation}</property>'
        f'<property name="viewlabel" action="default">{label}</property>'
        f'<property name="viewcolor" action="default">{color}</property>'
        f'<property name="viewgroup" action="default">{VIEW_GROUP}</property></view></item>'
        for column, (label, color) in enumerate(COLUMNS[:columns])
    )


def register_comparison_layouts() -> None:
    """Tell the application of the layouts, so that a scene saved in one of them comes back with its views."""
    import slicer

    manager = slicer.app.layoutManager()
    if manager is None:
        return
    layout_node = manager.layoutLogic().GetLayoutNode()
    for (columns, with_metrics), layout_id in LAYOUT_IDS.items():
        if not layout_node.IsLayoutDescription(layout_id):
            layout_node.AddLayoutDescription(layout_id, layout_description(columns, with_metrics))


def comparison_is_on() -> bool:
    """Whether the views are those of a comparison now."""
    return layout_is_one_of(LAYOUT_IDS.values())


def show_comparison(volumes: Sequence[Any], nodes: ComparisonNodes) -> int | None:
    """Show two volumes, or two and their difference, in linked views of the same slices.

    Returns the layout the user had before, None when there is no main window or one of
    the extension's own is on already.
    """
    import slicer

    manager = slicer.app.layoutManager()
    if manager is None:
        return None
    register_comparison_layouts()
    previous = manager.layout
    manager.setLayout(LAYOUT_IDS[len(volumes), nodes.metrics is not None])
    for column, volume in enumerate(volumes):
        for orientation in ORIENTATIONS:
            _show(slice_logic(view_tag(column, orientation)), volume)
    align_views(volumes)
    _show_metrics(nodes)
    return None if previous in OWN_LAYOUTS else previous


def _show(logic: Any, volume: Any) -> None:
    logic.GetSliceNode().SetViewGroup(VIEW_GROUP)  # a view that came with a scene may have lost its layout's group
    composite = logic.GetSliceCompositeNode()
    composite.SetLinkedControl(False)
    composite.SetBackgroundVolumeID(volume.GetID())
    composite.SetForegroundVolumeID(None)


def align_views(volumes: Sequence[Any]) -> None:
    """All columns on the same slices through the middle of the first volume, equally large, moving together.

    A view that a layout makes or resizes in Slicer changes its field of view: align again when that has settled.
    """
    columns = [[slice_logic(view_tag(c, o)) for o in ORIENTATIONS] for c in range(len(volumes))]
    if any(logic is None or volume.GetScene() is None for logic, volume in _pairs(columns, volumes)):
        return
    bounds = [0.0] * 6
    volumes[0].GetRASBounds(bounds)
    middle = [(low + high) / 2 for low, high in zip(bounds[::2], bounds[1::2], strict=True)]
    for logic in columns[0]:
        logic.FitSliceToAll()
        logic.GetSliceNode().JumpSliceByOffsetting(*middle)
    for column in columns:
        for first, logic in zip(columns[0], column, strict=True):
            _look_as(logic.GetSliceNode(), first.GetSliceNode())
    for logic, _volume in _pairs(columns, volumes):
        logic.GetSliceCompositeNode().SetHotLinkedControl(True)
        logic.GetSliceCompositeNode().SetLinkedControl(True)


def _pairs(columns: Sequence[Sequence[Any]], volumes: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Every view's logic with the volume of its column."""
    return [(logic, volume) for column, volume in zip(columns, volumes, strict=True) for logic in column]


def _look_as(node: Any, other: Any) -> None:
    """The same place, orientation and magnification as the other slice node's."""
    node.GetSliceToRAS().DeepCopy(other.GetSliceToRAS())
    node.SetFieldOfView(*other.GetFieldOfView())
    node.SetXYZOrigin(*other.GetXYZOrigin())
    node.UpdateMatrices()


def _show_metrics(nodes: ComparisonNodes) -> None:
    import slicer

    logic = slicer.app.applicationLogic()
    if nodes.metrics is not None:
        logic.GetSelectionNode().SetActiveTableID(nodes.metrics.GetID())
        logic.PropagateTableSelection()
    if nodes.chart is not None:
        logic.GetSelectionNode().SetActivePlotChartID(nodes.chart.GetID())
        logic.PropagatePlotChartSelection()
