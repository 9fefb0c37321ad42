"""The layouts: the films in their own views above, the volume in 3D beside them, further films and its slices below."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from XRayLib.scene.clear_threed import clear_threed_view, give_back_threed_view

FILM_VIEWS = ("XRay1", "XRay2", "XRay3", "XRay4")
"""Singleton tags of the film views: Slicer's own Red, Yellow and Green stay as the user set them."""
LAYOUT_IDS = {1: 5931, 2: 5932, 3: 5933, 4: 5934}
"""Layout id by number of film views."""
OWN_LAYOUTS = range(5931, 5951)
"""Ids of the extension's layouts: none of them is a layout to give back to the user."""
FILM_VIEW_COLORS = ("#c8a046", "#46a0c8", "#a064c8", "#64b46e")

_SLICES = (
    ("Red", "Axial", "R", "#F34A33"),
    ("Yellow", "Sagittal", "Y", "#EDD54C"),
    ("Green", "Coronal", "G", "#6EB04B"),
)


def _slice_view(tag: str, orientation: str, label: str, color: str, group: int) -> str:
    return (
        f'<item><view class="vtkMRMLSliceNode" singletontag="{tag}">'
        f'<property name="orientation" action="default">{orientation}</property>'
        f'<property name="viewlabel" action="default">{label}</property>'
        f'<property name="viewcolor" action="default">{color}</property>'
        f'<property name="viewgroup" action="default">{group}</property></view></item>'
    )


_THREE_D = (
    '<item><view class="vtkMRMLViewNode" singletontag="1">'
    '<property name="viewlabel" action="default">1</property></view></item>'
)


def layout_description(film_views: int) -> str:
    """The layout XML for one to four film views, three views wide at most: more do not fit beside a module's panel.

    From three films on the slices share the place of one view, as tabs.
    """
    films = [
        _slice_view(tag, "Coronal", f"X{index + 1}", color, group=index + 1)
        for index, (tag, color) in enumerate(zip(FILM_VIEWS[:film_views], FILM_VIEW_COLORS, strict=False))
    ]
    slices = "".join(_slice_view(tag, orientation, label, color, 0) for tag, orientation, label, color in _SLICES)
    above = "".join(films[:2]) + _THREE_D
    below = slices if film_views <= 2 else "".join(films[2:]) + f'<item><layout type="tab">{slices}</layout></item>'
    share = 600 if film_views <= 2 else 500
    return (
        '<layout type="vertical" split="true">'
        f'<item splitSize="{share}"><layout type="horizontal">{above}</layout></item>'
        f'<item splitSize="{1000 - share}"><layout type="horizontal">{below}</layout></item>'
        "</layout>"
    )


def register_layouts() -> None:
    """Tell the application of the layouts, at startup: else a scene saved in one of them comes back without views."""
    import slicer

    manager = slicer.app.layoutManager()
    if manager is None:
        return
    layout_node = manager.layoutLogic().GetLayoutNode()
    for film_views, layout_id in LAYOUT_IDS.items():
        if not layout_node.IsLayoutDescription(layout_id):
            layout_node.AddLayoutDescription(layout_id, layout_description(film_views))


def switch_to_film_layout(film_views: int) -> int | None:
    """Show the layout for that many films (at most four have a view of their own).

    Returns the layout the user had before, None when there is no main window or the layout is on already.
    """
    import slicer

    manager = slicer.app.layoutManager()
    if manager is None:
        return None
    register_layouts()
    previous = manager.layout
    manager.setLayout(LAYOUT_IDS[min(max(film_views, 1), len(FILM_VIEWS))])
    clear_threed_view()
    return None if previous in OWN_LAYOUTS else previous


def layout_is_one_of(layout_ids: Iterable[int]) -> bool:
    """Whether one of these layouts is on now; none is without a main window."""
    import slicer

    manager = slicer.app.layoutManager()
    return manager is not None and manager.layout in layout_ids


def film_layout_is_on() -> bool:
    """Whether the views are those of the films now."""
    return layout_is_one_of(LAYOUT_IDS.values())


def own_layout_is_on() -> bool:
    """Whether the layout is one of the extension's."""
    return layout_is_one_of(OWN_LAYOUTS)


def restore_layout(layout_id: int | None) -> None:
    """Back from one of the extension's layouts to that of the user, and to what his 3D view showed.

    None when nobody knows what he had: a scene came with its layout.
    """
    import slicer

    give_back_threed_view()
    if own_layout_is_on():
        four_up = slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView
        slicer.app.layoutManager().setLayout(four_up if layout_id is None else layout_id)


def slice_logic(tag: str) -> Any:
    """The slice logic of a view by its tag; None without a main window or when the layout lacks the view."""
    import slicer

    manager = slicer.app.layoutManager()
    widget = None if manager is None else manager.sliceWidget(tag)
    return None if widget is None else widget.sliceLogic()
