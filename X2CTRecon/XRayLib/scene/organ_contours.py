"""An organ's outline on the films: where it is now, and where it was planned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from XRayLib.case import SurfaceMesh
from XRayLib.geometry import XRayGeometry
from XRayLib.mesh.apparent_contour import apparent_contour, outer_pieces
from XRayLib.scene.film_lines import hide_lines, lines_on_detector, put_lines
from XRayLib.scene.radiograph_nodes import film_geometry

NOW_ROLE, PLANNED_ROLE = "XRay3DOrganOutline", "XRay3DPlannedOutline"
"""Node references from a film to the models of the lines."""
WORDS = {NOW_ROLE: "organ now", PLANNED_ROLE: "organ planned"}


def put_outline(
    mesh: SurfaceMesh, film: Any, role: str, color: Sequence[float], view_node_ids: Sequence[str] = ()
) -> Any:
    """The outline of a surface in world RAS on a film; returns the model node, made once per film and role."""
    return put_lines(film, role, WORDS[role], color, outline(mesh, film_geometry(film)), view_node_ids)


def outline(mesh: SurfaceMesh, geometry: XRayGeometry) -> Any:
    """vtkPolyData of the outline's outer pieces that fall onto the detector; empty for a surface behind the source."""
    nothing = lines_on_detector(np.zeros((0, 2)), np.zeros((0, 2), int), geometry)
    if (geometry.depth_mm(mesh.points) <= 0).any():
        return nothing
    pieces = apparent_contour(mesh, geometry.source_ras_mm)
    if not len(pieces):
        return nothing
    pixels = geometry.project(pieces.reshape(-1, 3))
    on_film = ((pixels > -0.5) & (pixels < np.array(geometry.size_px) - 0.5)).all(axis=1).reshape(-1, 2).all(axis=1)
    is_outer = outer_pieces(pixels.reshape(-1, 2, 2), geometry.project(mesh.points)[mesh.triangles])
    ends = np.arange(len(pixels)).reshape(-1, 2)[on_film & is_outer]
    return lines_on_detector(pixels, ends, geometry)


def outlines_of(film: Any) -> list[Any]:
    """The models of a film's outlines that are there."""
    return [node for role in WORDS if (node := film.GetNodeReference(role)) is not None]


def show_outlines(film: Any, now: bool, planned: bool, view_node_ids: Sequence[str]) -> None:
    """Draw, or do not draw, the outlines that a film has; in these views only."""
    for role, visible in ((NOW_ROLE, now), (PLANNED_ROLE, planned)):
        node = film.GetNodeReference(role)
        if node is None:
            continue
        if visible:
            node.GetDisplayNode().SetViewNodeIDs(list(view_node_ids))
            node.GetDisplayNode().SetVisibility(True)
        else:
            hide_lines(film, role)
