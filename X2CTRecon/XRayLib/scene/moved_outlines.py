"""The outlines, on a film, of all that moves with a CT: for each organ a model of lines in its colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from XRayLib.case import SurfaceMesh
from XRayLib.scene.film_lines import hide_lines, put_lines
from XRayLib.scene.organ_contours import outline
from XRayLib.scene.organ_source import OrganSource, segment_names
from XRayLib.scene.radiograph_nodes import film_geometry

MOVED_ROLE = "XRay3DMovedOutline"
"""Start of the node references from a film to the models of the lines; a number follows."""

Color = tuple[float, float, float]


def visible_organs(node: Any) -> list[OrganSource]:
    """The surfaces that the user sees of a node: a shown model, or the shown segments of a shown segmentation."""
    display = node.GetDisplayNode()
    if display is None or not display.GetVisibility():
        return []
    if node.IsA("vtkMRMLModelNode"):
        return [OrganSource(node)]
    return [OrganSource(node, segment) for segment in segment_names(node) if display.GetSegmentVisibility(segment)]


def put_moved_outlines(film: Any, organs: Sequence[tuple[SurfaceMesh, Color]], view_node_ids: Sequence[str]) -> None:
    """Draw the outlines of surfaces (world RAS), each in its colour, on a film, and none but these."""
    geometry = film_geometry(film)
    for index, (mesh, color) in enumerate(organs):
        lines = outline(mesh, geometry)
        put_lines(film, f"{MOVED_ROLE}{index}", f"moved outline {index + 1}", color, lines, view_node_ids)
    _hide_from(film, len(organs))


def hide_moved_outlines(film: Any) -> None:
    """Draw none on this film."""
    _hide_from(film, 0)


def _hide_from(film: Any, index: int) -> None:
    while film.GetNodeReference(f"{MOVED_ROLE}{index}") is not None:
        hide_lines(film, f"{MOVED_ROLE}{index}")
        index += 1
