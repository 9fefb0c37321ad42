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
    """Put each film node in its own view, and nothing in the views that are left.

    ``overlays`` are nodes on the same detectors, blended by ``opacity``; None for a film without one.
    """
    for tag in FILM_VIEWS:
        _keep_for_films(slice_logic(tag))
    for tag in FILM_VIEWS[len(films) :]:
        _empty(slice_logic(tag))
    for index, (tag, (film, geometry)) in enumerate(zip(FILM_VIEWS, films, strict=False)):
        logic = slice_logic(tag)
        if logic is None:
            continue
        overlay = overlays[index] if index < len(overlays) else None
        composite = logic.GetSliceCompositeNode()
        composite.SetBackgroundVolumeID(film.GetID())
        composite.SetForegroundVolumeID(None if overlay is None else overlay.GetID())
        composite.SetForegroundOpacity(opacity)
        composite.SetLinkedControl(False)
        slice_node = logic.GetSliceNode()
        slice_node.GetSliceToRAS().DeepCopy(vtk_matrix(slice_to_ras(geometry)))
        slice_node.UpdateMatrices()
        logic.FitSliceToFirst()
        slice_node.SetSliceVisible(in_3d)


def _keep_for_films(logic: Any) -> None:
    """A volume that is loaded or chosen in Slicer goes into all other views."""
    if logic is not None:
        logic.GetSliceCompositeNode().SetDoPropagateVolumeSelection(False)


def _empty(logic: Any) -> None:
    if logic is not None:
        logic.GetSliceCompositeNode().SetBackgroundVolumeID(None)
        logic.GetSliceCompositeNode().SetForegroundVolumeID(None)
        logic.GetSliceNode().SetSliceVisible(False)


def fit_film_views(tags: Sequence[str]) -> None:
    """The whole film in each view; what lies over it may have been made where the film was before."""
    for tag in tags:
        logic = slice_logic(tag)
        if logic is not None:
            logic.FitSliceToFirst()


def fit_slice_views() -> None:
    """The whole slice in Red, Yellow and Green, each at the place that it shows."""
    for tag in SLICE_VIEWS:
        logic = slice_logic(tag)
        if logic is not None:
            offset = logic.GetSliceOffset()
            logic.FitSliceToAll()
            logic.SetSliceOffset(offset)


def view_of_film(film: Any) -> Any:
    """The slice logic of the view that shows a film; None for a film without a view."""
    for tag in FILM_VIEWS:
        logic = slice_logic(tag)
        if logic is not None and logic.GetSliceCompositeNode().GetBackgroundVolumeID() == film.GetID():
            return logic
    return None


def lay_over_film(film: Any, node: Any, opacity: float) -> None:
    """A node on the film's detector over the film in its view, where it has one; None takes what is there away."""
    logic = view_of_film(film)
    if logic is not None:
        composite = logic.GetSliceCompositeNode()
        composite.SetForegroundVolumeID(None if node is None else node.GetID())
        composite.SetForegroundOpacity(opacity)


def film_view_ids(film: Any, with_3d: bool = True) -> list[str]:
    """Ids of the view nodes that a film is drawn in: its own view and, if asked for, the 3D views."""
    logic = view_of_film(film)
    ids = [] if logic is None else [logic.GetSliceNode().GetID()]
    return ids + three_d_view_ids() if with_3d else ids


def three_d_view_ids() -> list[str]:
    """Ids of all 3D view nodes."""
    import slicer

    return [node.GetID() for node in slicer.util.getNodesByClass("vtkMRMLViewNode")]


def blend_films(opacity: float) -> None:
    """0 shows the films, 1 their re-projections."""
    for tag in FILM_VIEWS:
        logic = slice_logic(tag)
        if logic is not None:
            logic.GetSliceCompositeNode().SetForegroundOpacity(opacity)


def is_in_slices(node: Any) -> bool:
    """Whether Red, Yellow and Green, as far as the layout has them, show this volume."""
    logics = [logic for tag in SLICE_VIEWS if (logic := slice_logic(tag)) is not None]
    return all(logic.GetSliceCompositeNode().GetBackgroundVolumeID() == node.GetID() for logic in logics)


def show_in_slices(node: Any, fitted: bool = True) -> None:
    """A volume as background of Red, Yellow and Green; ``fitted`` shows all of it, else the views stay as they are."""
    for tag in SLICE_VIEWS:
        logic = slice_logic(tag)
        if logic is None:
            continue
        composite = logic.GetSliceCompositeNode()
        composite.SetBackgroundVolumeID(node.GetID())
        composite.SetForegroundVolumeID(None)
        if fitted:
            logic.FitSliceToAll()
