"""How a re-projection is laid over its film: blended, as contours, as a checkerboard, as the difference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from XRayLib.geometry import XRayGeometry
from XRayLib.scene.difference_colors import difference_colors
from XRayLib.scene.film_lines import hide_lines, lines_on_detector, put_lines
from XRayLib.scene.provenance import write_attributes
from XRayLib.scene.radiograph_nodes import put_on_detector

CONTOUR_ROLE = "XRay3DContour"
COMPARISON_ROLE = "XRay3DComparison"
CONTOUR_COLOR = (0.15, 1.0, 0.35)
SHORTEST_CONTOUR = 15
"""Pieces, each about a pixel of the re-projection long, below which a line is clutter."""
DIFFERENCE_SCALE = 0.25
"""Part of the film's grey levels at which a difference has its full colour."""


def put_contours(
    zero_on_edges: NDArray[np.floating],
    strength: NDArray[np.floating],
    strongest: float,
    geometry: XRayGeometry,
    film: Any,
    view_node_ids: Sequence[str],
) -> Any:
    """Lines where ``zero_on_edges`` changes its sign, from where they reach ``strongest`` to half of it.

    Both images are (rows, columns) on the detector of ``geometry``. Returns the model node, made once per film.
    """
    lines = _lines(zero_on_edges, strength, strongest, geometry)
    return put_lines(film, CONTOUR_ROLE, "contours", CONTOUR_COLOR, lines, view_node_ids)


def hide_contours(film: Any) -> None:
    """Contours stay in the scene and are not drawn."""
    hide_lines(film, CONTOUR_ROLE)


def _lines(zero: NDArray[np.floating], strength: NDArray[np.floating], strongest: float, geometry: XRayGeometry) -> Any:
    """The contour on the detector."""
    import vtk
    from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

    rows, columns = zero.shape
    image = vtk.vtkImageData()
    image.SetDimensions(columns, rows, 1)
    image.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(zero, np.float32).ravel(), deep=True))
    contour = vtk.vtkMarchingSquares()
    contour.SetInputData(image)
    contour.SetValue(0, 0.0)
    contour.Update()
    found = contour.GetOutput()
    if not found.GetNumberOfPoints():
        return lines_on_detector(np.zeros((0, 2)), np.zeros((0, 2), np.int64), geometry)
    pixels = vtk_to_numpy(found.GetPoints().GetData())[:, :2].astype(float)
    ends = vtk_to_numpy(found.GetLines().GetConnectivityArray()).reshape(-1, 2)
    nearest = np.rint(pixels).astype(int)
    ends = _long_and_strong(ends, strength[nearest[:, 1], nearest[:, 0]], strongest)
    return lines_on_detector(pixels, ends, geometry)


def _long_and_strong(ends: NDArray[np.integer], strength: NDArray[np.floating], strongest: float) -> NDArray[np.int64]:
    """Of the line pieces (N, 2) those in a connected line that is strong somewhere and weak nowhere, and not short
    (hysteresis of Canny 1986)."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    ends = ends[(strength[ends] >= 0.5 * strongest).all(axis=1)]
    size = (len(strength), len(strength))
    _count, line = connected_components(coo_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), size), False)
    pieces = np.bincount(line[ends[:, 0]], minlength=len(strength))
    peak = np.zeros(len(strength))
    np.maximum.at(peak, line, strength)
    kept = (pieces[line[ends[:, 0]]] >= SHORTEST_CONTOUR) & (peak[line[ends[:, 0]]] >= strongest)
    return np.ascontiguousarray(ends[kept], np.int64)


def put_comparison(image: NDArray[np.floating], on: Any, film: Any, is_difference: bool) -> Any:
    """Checkerboard or difference as an image on the detector of the radiograph ``on``, made once per film."""
    node = put_on_detector(image, on, film.GetName() + " comparison", film.GetNodeReference(COMPARISON_ROLE))
    film.SetNodeReferenceID(COMPARISON_ROLE, node.GetID())
    node.SetHideFromEditors(True)
    write_attributes(node, {"Kind": "comparison"})
    display = node.GetDisplayNode()
    display.SetAutoWindowLevel(False)
    shown = film.GetDisplayNode()
    if is_difference:
        extent = DIFFERENCE_SCALE * (shown.GetWindowLevelMax() - shown.GetWindowLevelMin())
        display.SetAndObserveColorNodeID(difference_colors().GetID())
        display.SetWindowLevelMinMax(-extent, extent)
    else:
        display.SetAndObserveColorNodeID("vtkMRMLColorTableNodeGrey")
        display.SetWindowLevelMinMax(shown.GetWindowLevelMin(), shown.GetWindowLevelMax())
    return node
