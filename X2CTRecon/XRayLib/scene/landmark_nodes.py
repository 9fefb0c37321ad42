"""Landmarks as markups: one list in the CT, one per film that lies on the film's detector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from XRayLib.scene.provenance import write_attributes
from XRayLib.scene.radiograph_nodes import film_geometry, misplacement

FILM_LANDMARKS_ROLE = "XRay3DLandmarks"
"""Node reference from a film to its landmarks."""
CT_COLOR = (0.35, 0.85, 0.45)
FILM_COLOR = (1.0, 0.75, 0.2)


def new_ct_landmarks(ct: Any) -> Any:
    """An empty list of landmarks in a CT; it moves with the CT, so its own coordinates are the CT's RAS."""
    node = _new_list(ct.GetName() + " landmarks", "CT landmarks", CT_COLOR)
    node.SetAndObserveTransformNodeID(ct.GetTransformNodeID())
    return node


def film_landmarks(film: Any, create: bool = True) -> Any:
    """The landmarks of a film, made when there are none and ``create``."""
    node = film.GetNodeReference(FILM_LANDMARKS_ROLE)
    if node is None and create:
        node = _new_list(film.GetName() + " landmarks", "film landmarks", FILM_COLOR)
        node.SetAndObserveTransformNodeID(film.GetTransformNodeID())
        film.SetNodeReferenceID(FILM_LANDMARKS_ROLE, node.GetID())
    return node


def show_landmarks_only_in(node: Any, view_node_ids: Sequence[str]) -> None:
    """Film landmarks belong into their film's view, CT landmarks into the others; empty: everywhere."""
    display = node.GetDisplayNode()
    if list(display.GetViewNodeIDs()) != list(view_node_ids):
        display.SetViewNodeIDs(list(view_node_ids))


def ct_points(node: Any) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Labels and CT RAS (N, 3) of the landmarks that were placed."""
    return _points(node, world=False)


def film_pixels(film: Any) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Labels and (column, row) pixels (N, 2) of a film's landmarks; one picked off the film counts where its ray
    meets the film. None of a film that stands nowhere."""
    labels, world = _points(film_landmarks(film, create=False), world=True)
    if not labels or misplacement(film):
        return (), np.zeros((0, 2))
    return labels, film_geometry(film).project(world)


def set_ct_points(node: Any, labels: Sequence[str], ct_ras_mm: ArrayLike) -> None:
    """Replace the CT's landmarks; (N, 3) in CT RAS."""
    _replace(node, labels, np.asarray(ct_ras_mm, float).reshape(-1, 3), world=False)


def set_film_pixels(film: Any, labels: Sequence[str], pixels: ArrayLike) -> None:
    """Replace a film's landmarks; (N, 2) as (column, row), rows with NaN are left out."""
    geometry = film_geometry(film)
    pixels = np.asarray(pixels, float).reshape(-1, 2)
    picked = np.isfinite(pixels).all(axis=1)
    to_ras = geometry.pixel_to_ras
    world = pixels[picked] @ to_ras[:3, :2].T + to_ras[:3, 3]
    _replace(
        film_landmarks(film), [label for label, is_picked in zip(labels, picked, strict=True) if is_picked], world, True
    )


def remove_landmark(node: Any, label: str) -> None:
    """Take the landmark of that label out of a list; none is no error."""
    index = -1 if node is None else node.GetControlPointIndexByLabel(label)
    if index >= 0:
        node.RemoveNthControlPoint(index)


def _new_list(name: str, kind: str, color: tuple[float, float, float]) -> Any:
    import slicer

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", name)
    node.SetControlPointLabelFormat("%d")  # the same point gets the same number in every list
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetSelectedColor(*color)
    display.SetTextScale(3.0)
    display.SetGlyphScale(2.0)
    display.SetSliceProjection(False)
    write_attributes(node, {"Kind": kind})
    return node


def _points(node: Any, world: bool) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    if node is None:
        return (), np.zeros((0, 3))
    placed = [n for n in range(node.GetNumberOfControlPoints()) if node.GetNthControlPointPositionStatus(n) == 2]
    read = node.GetNthControlPointPositionWorld if world else node.GetNthControlPointPosition
    positions = np.zeros((len(placed), 3))
    for row, index in enumerate(placed):
        read(index, positions[row])
    return tuple(node.GetNthControlPointLabel(index) for index in placed), positions


def _replace(node: Any, labels: Sequence[str], positions: NDArray[np.float64], world: bool) -> None:
    modifying = node.StartModify()
    try:
        node.RemoveAllControlPoints()
        add = node.AddControlPointWorld if world else node.AddControlPoint
        for label, position in zip(labels, positions, strict=True):
            add(*position.tolist(), str(label))
    finally:
        node.EndModify(modifying)
