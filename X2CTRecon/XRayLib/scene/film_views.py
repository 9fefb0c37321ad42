"""Films in their views: facing the detector, with the re-projection over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from XRayLib.geometry import XRayGeometry
from XRayLib.scene.layout import FILM_VIEWS, slice_logic
from XRayLib.scene.matrices import vtk_matrix


def slice_to_ras(geometry: XRayGeometry) -> np.ndarray:
    """(4, 4) pose of a slice view that shows the film upright: right = columns, up = against the rows."""
    corner_to_ras = geometry.pixel_to_ras
    middle = corner_to_ras @ [(geometry.size_px[0] - 1) / 2, (geometry.size_px[1] - 1) / 2, 0, 1]
    matrix = np.eye(4)
    matrix[:3, 0] = geometry.column_direction
    matrix[:3, 1] = -geometry.row_direction
    matrix[:3, 2] = np.cross(matrix[:3, 0], matrix[:3, 1])
    matrix[:3, 3] = middle[:3]
    return matrix


def show_films(
    films: Sequence[tuple[Any, XRayGeometry]], overlays: Sequence[Any] = (), opacity: float = 0.0, in_3d: bool = True
) -> None:
    """Put each film node in its own view; ``overlays`` are nodes on the same detectors, blended by ``opacity``."""
    for index, (tag, (film, geometry)) in enumerate(zip(FILM_VIEWS, films, strict=False)):
        logic = slice_logic(tag)
        if logic is None:
            continue
        composite = logic.GetSliceCompositeNode()
        composite.SetBackgroundVolumeID(film.GetID())
        composite.SetForegroundVolumeID(overlays[index].GetID() if index < len(overlays) else None)
        composite.SetForegroundOpacity(opacity)
        composite.SetLinkedControl(False)
        slice_node = logic.GetSliceNode()
        slice_node.GetSliceToRAS().DeepCopy(vtk_matrix(slice_to_ras(geometry)))
        slice_node.UpdateMatrices()
        logic.FitSliceToAll()
        slice_node.SetSliceVisible(in_3d)


def blend_films(opacity: float) -> None:
    """0 shows the films, 1 their re-projections."""
    for tag in FILM_VIEWS:
        logic = slice_logic(tag)
        if logic is not None:
            logic.GetSliceCompositeNode().SetForegroundOpacity(opacity)


def show_in_slices(node: Any) -> None:
    """A volume as background of Red, Yellow and Green, fitted."""
    for tag in ("Red", "Yellow", "Green"):
        logic = slice_logic(tag)
        if logic is None:
            continue
        composite = logic.GetSliceCompositeNode()
        composite.SetBackgroundVolumeID(node.GetID())
        composite.SetForegroundVolumeID(None)
        logic.FitSliceToAll()
