"""How far a volume can be trusted, as volumes that colour its slices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from XRayLib.ct import Volume
from XRayLib.scene.film_views import SLICE_VIEWS
from XRayLib.scene.layout import slice_logic
from XRayLib.scene.provenance import write_attributes
from XRayLib.scene.scalar_display import hide_legend, show_legend
from XRayLib.scene.volume_nodes import put_volume

if TYPE_CHECKING:
    from XRayLib.tomography.undetermined import Undetermined

UNCERTAINTY_ROLE = "XRay3DUncertainty"
UNDETERMINED_ROLE = "XRay3DUndetermined"
"""References of a volume node to its own volumes."""
LEGENDS = {UNCERTAINTY_ROLE: ("SD (HU)", "%.0f"), UNDETERMINED_ROLE: ("Not determined", "%.2f")}
"""Titles and label formats of their legends; the share that is not determined has no unit."""

FULL_COLOR_HU = 400.0
"""A standard deviation of so many HU has its full colour, as in the report."""
OPACITY = 0.5
COLORS = "vtkMRMLColorTableNodeWarm1"


def put_uncertainty(uncertainty: Volume, of: Any) -> Any:
    """The standard deviation in HU of the volume node ``of``, made once per volume and then written over."""
    node = _put(uncertainty, of, UNCERTAINTY_ROLE, "uncertainty (SD)", FULL_COLOR_HU)
    write_attributes(node, {"Kind": "uncertainty"})
    return node


def put_undetermined(found: Undetermined, of: Any) -> Any:
    """The share (0 to 1) that the X-rays leave open at each place of the volume node ``of``."""
    node = _put(found.volume, of, UNDETERMINED_ROLE, "not determined by the X-rays", 1.0)
    write_attributes(node, {"Kind": "undetermined", "Statement": found.statement})
    return node


def forget(of: Any, role: str) -> None:
    """A new result stands in the volume node ``of``: what was known of the old one does not belong to it."""
    node = of.GetNodeReference(role)
    if node is not None:
        hide_legend(node.GetDisplayNode())
    of.RemoveNodeReferenceIDs(role)


def color_slices(of: Any, by: Any) -> None:
    """Lay ``by`` over the slices that show the volume node ``of``, with a legend; None takes away what is over them."""
    own = [of.GetNodeReferenceID(role) for role in LEGENDS]
    colored = []
    for tag in SLICE_VIEWS:
        logic = slice_logic(tag)
        composite = None if logic is None else logic.GetSliceCompositeNode()
        if composite is None or composite.GetBackgroundVolumeID() != of.GetID():
            continue
        colored.append(logic.GetSliceNode().GetID())
        if by is not None:
            composite.SetForegroundVolumeID(by.GetID())
            composite.SetForegroundOpacity(OPACITY)
        elif composite.GetForegroundVolumeID() in own:
            composite.SetForegroundVolumeID(None)
    for role, (title, label_format) in LEGENDS.items():
        node = of.GetNodeReference(role)
        if node is not None and node is by and colored:
            show_legend(node.GetDisplayNode(), title, colored[:1], label_format)  # all views have the same colours
        elif node is not None:
            hide_legend(node.GetDisplayNode())


def _put(volume: Volume, of: Any, role: str, words: str, highest: float) -> Any:
    node = put_volume(volume, f"{of.GetName()} {words}", of.GetNodeReference(role))
    node.SetName(f"{of.GetName()} {words}")  # a volume that another method wrote over has another name
    of.SetNodeReferenceID(role, node.GetID())
    display = node.GetDisplayNode()
    display.SetAndObserveColorNodeID(COLORS)
    display.SetAutoWindowLevel(False)
    display.SetWindowLevelMinMax(0.0, highest)
    display.SetThreshold(1e-3 * highest, 10.0 * highest)
    display.SetApplyThreshold(True)
    return node
