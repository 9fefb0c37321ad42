"""Films in their views: facing the detector, with the re-projection over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from XRayLib.geometry import XRayGeometry
from XRayLib.scene.layout import FILM_VIEWS, slice_logic
from XRayLib.scene.matrices import vtk_matrix

SLICE_VIEWS = ("Red", "Yellow", "Green")


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


def fit_views(tags: Sequence[str]) -> None:
    """The whole image in each view.

    A view that a layout makes or resizes in Slicer keeps the height and cuts the width: fit it when that has settled.
    """
    for tag in tags:
        logic = slice_logic(tag)
        if logic is not None:
            logic.FitSliceToAll()


def lay_over_film(index: int, node: Any, opacity: float) -> None:
    """A node on the film's detector over the film of that number in its view; None takes what is there away."""
    logic = slice_logic(FILM_VIEWS[index]) if index < len(FILM_VIEWS) else None
    if logic is not None:
        composite = logic.GetSliceCompositeNode()
        composite.SetForegroundVolumeID(None if node is None else node.GetID())
        composite.SetForegroundOpacity(opacity)


def film_view_ids(index: int, with_3d: bool = True) -> list[str]:
    """Ids of the view nodes that the film of that number is drawn in: its own view and, if asked for, the 3D views."""
    import slicer

    logic = slice_logic(FILM_VIEWS[index]) if index < len(FILM_VIEWS) else None
    ids = [] if logic is None else [logic.GetSliceNode().GetID()]
    return ids + [node.GetID() for node in slicer.util.getNodesByClass("vtkMRMLViewNode")] if with_3d else ids


def blend_films(opacity: float) -> None:
    """0 shows the films, 1 their re-projections."""
    for tag in FILM_VIEWS:
        logic = slice_logic(tag)
        if logic is not None:
            logic.GetSliceCompositeNode().SetForegroundOpacity(opacity)


def show_in_slices(node: Any) -> None:
    """A volume as background of Red, Yellow and Green, fitted."""
    for tag in SLICE_VIEWS:
        logic = slice_logic(tag)
        if logic is None:
            continue
        composite = logic.GetSliceCompositeNode()
        composite.SetBackgroundVolumeID(node.GetID())
        composite.SetForegroundVolumeID(None)
        logic.FitSliceToAll()
