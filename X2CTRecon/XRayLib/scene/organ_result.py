"""An organ's surface put into the scene in one step: as it is now, as it was planned, on the films, in the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from XRayLib.case import Result, SurfaceMesh
from XRayLib.metrics.mesh_solid import enclosed_volume_ml
from XRayLib.scene.organ_contours import NOW_ROLE, PLANNED_ROLE, outlines_of, put_outline
from XRayLib.scene.organ_nodes import planned_color, put_organ, put_planned
from XRayLib.scene.organ_source import OrganSource
from XRayLib.scene.organ_table import put_row
from XRayLib.scene.scene_step import SceneStep
from XRayLib.scene.subject_hierarchy import put_in_folder


@dataclass(frozen=True)
class OrganInput:
    """What a mesh method was run on."""

    ct: Any
    source: OrganSource
    template: SurfaceMesh
    """The organ in CT RAS, as the method had it."""
    films: Sequence[Any]
    pose: Any = None
    """The transform that places the CT; None where it was scanned."""


@dataclass(frozen=True)
class OrganNodes:
    """The nodes a result became, or None."""

    now: Any = None
    planned: Any = None
    table: Any = None


def put_organ_result(
    result: Result, given: OrganInput, former: OrganNodes, step: SceneStep, seconds: float, frame: str = ""
) -> OrganNodes:
    """Put a mesh result into the scene as a part of ``step``, over the nodes of a ``former`` one.

    ``seconds`` is the time from asking to having it; ``frame`` names the X-ray of a run.
    """
    if result.mesh is None:
        raise ValueError("put_organ_result shows mesh results only")
    displays = [node.GetDisplayNode() for node in (former.now, former.planned, given.source.node) if node is not None]
    outlines = [node for film in given.films for node in outlines_of(film)]
    with step.recording([former.now, former.planned, former.table, *displays, *outlines]):
        return _put_nodes(result, given, former, seconds, frame)


def _put_nodes(result: Result, given: OrganInput, former: OrganNodes, seconds: float, frame: str) -> OrganNodes:
    look = given.source.look()
    numbers = measures(result.mesh, given.template) | {"seconds": seconds}
    now = put_organ(result, look, numbers, former.now)
    planned = put_planned(given.template, look, given.pose, former.planned)
    table = put_row(former.table, look.name, result.method, frame, numbers)
    placed = moved(given.template, result.ct_to_world)
    lines = []
    for film in given.films:
        lines.append(put_outline(placed, film, PLANNED_ROLE, planned_color(look)))
        lines.append(put_outline(result.mesh, film, NOW_ROLE, look.color))
    given.source.hide_in_3d()
    put_in_folder([*given.films, now, planned, table, *lines], f"{look.name} case")
    return OrganNodes(now, planned, table)


def measures(now: SurfaceMesh, planned: SurfaceMesh) -> dict[str, float]:
    """Volumes, how far the surface moved and how sure it is, by the names of ``organ_table.NUMBERS``."""
    before, after = enclosed_volume_ml(planned), enclosed_volume_ml(now)
    found = {"planned_ml": before, "now_ml": after, "difference_ml": after - before}
    if "displacement_mm" in now.scalars:
        moved_mm = now.scalars["displacement_mm"]
        found |= {"moved_mean_mm": float(np.mean(moved_mm)), "moved_most_mm": float(np.max(moved_mm))}
    if "deviation_mm" in now.scalars:
        deviation = now.scalars["deviation_mm"]
        found["deviation_median_mm"] = float(np.median(deviation))
        found["deviation_most_mm"] = float(np.max(deviation))
    return found


def moved(mesh: SurfaceMesh, pose: np.ndarray | None) -> SurfaceMesh:
    """A surface in CT RAS where the pose (4, 4) puts it."""
    matrix = np.eye(4) if pose is None else np.asarray(pose, float)
    return replace(mesh, points=mesh.points @ matrix[:3, :3].T + matrix[:3, 3])
