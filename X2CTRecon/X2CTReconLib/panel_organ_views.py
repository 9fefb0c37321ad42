"""Where the views look when an organ has been found: at it, in 3D and in the CT's slices."""

from __future__ import annotations

from typing import Any

from XRayLib.scene.camera import look_at_front
from XRayLib.scene.film_views import SLICE_VIEWS, show_in_slices
from XRayLib.scene.layout import slice_logic
from XRayLib.scene.volume_nodes import show_as_ct


def look_at_organ(organ: Any, ct: Any) -> None:
    """The organ from the front in 3D, and the CT's slices through its middle where the CT is there, too."""
    if organ is None or organ.GetPolyData() is None or ct is None:
        return
    look_at_front(organ)
    show_as_ct(ct)
    show_in_slices(ct)
    bounds = [0.0] * 6
    organ.GetRASBounds(bounds)
    covered = [0.0] * 6
    ct.GetRASBounds(covered)
    middle = [(low + high) / 2 for low, high in zip(bounds[::2], bounds[1::2], strict=True)]
    if not all(low <= m <= high for m, low, high in zip(middle, covered[::2], covered[1::2], strict=True)):
        return  # another transform places the organ than the CT is under
    for tag in SLICE_VIEWS:
        logic = slice_logic(tag)
        if logic is not None:
            logic.GetSliceNode().JumpSliceByOffsetting(*middle)
