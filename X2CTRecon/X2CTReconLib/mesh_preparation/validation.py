"""How good a prepared mesh network is: on motion states and films that it was not trained on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from XRayLib.case import SurfaceMesh
from XRayLib.geometry import XRayGeometry
from XRayLib.metrics.closest_point import ClosestPoint
from XRayLib.motion import MotionModel
from XRayLib.preparation.fresh_films import fresh_film
from XRayLib.preparation.motion_settings import MotionPreparationSettings
from XRayLib.simulate.realism import LEVELS

from X2CTReconLib.mesh_preparation.mesh_model import PreparedMeshModel

Matrix = NDArray[np.float64]

FIRST_SEED = 10_000_000
"""No training film is drawn from these."""


def validate(
    motion: MotionModel,
    bundle: Path,
    settings: MotionPreparationSettings,
    progress: Callable[[float], None] = lambda _share: None,
) -> dict[str, Any]:
    """Errors of what a bundle says from one film, without refinement.

    Returns
    -------
    dict
        ``films``; medians over the films of the mean distance between the surfaces (``surface_mm``), of corresponding
        vertices (``vertex_mm``; None where there is no correspondence) and its parts ``across_mm`` and ``along_mm`` the
        beam, of the same for the surface as it is in the CT (``identity_surface_mm``, ``identity_vertex_mm``);
        ``surface_mm_p95`` over the films; ``surface_mm_by_realism``; ``within_2_deviations``, of the vertices.
    """
    model = PreparedMeshModel.opened(bundle, settings.device)
    rows = []
    for number in range(settings.validation_films):
        progress(number / settings.validation_films)
        rows.append(errors_on_film(model, motion, settings, number))
    return summary(rows)


def errors_on_film(
    model: PreparedMeshModel, motion: MotionModel, settings: MotionPreparationSettings, number: int
) -> dict[str, Any]:
    """Of film ``number``: a nominal view of the settings, realism none, mild and hard in turn, pose a little wrong."""
    film = fresh_film(motion, settings, FIRST_SEED, number)
    radiograph, organ = film.radiograph, film.organ
    ct_to_world = np.linalg.inv(film.pose_error)
    seen = model.seen(radiograph, ct_to_world)
    in_world = _moved(model.surface.points + seen.displacement_mm, ct_to_world)
    start = _moved(motion.organ.points, ct_to_world)
    return {
        "realism": film.level,
        **_errors(SurfaceMesh(in_world, model.surface.triangles), organ, radiograph.geometry),
        **{
            f"identity_{name}": value
            for name, value in _errors(SurfaceMesh(start, motion.organ.triangles), organ, radiograph.geometry).items()
        },
        **_calibration(in_world, organ, seen.covariance_mm2),
    }


def _errors(found: SurfaceMesh, true: SurfaceMesh, geometry: XRayGeometry) -> dict[str, float]:
    """Mean distances; of vertices not a number where the surfaces have other triangles."""
    forward = ClosestPoint(true)(found.points)[1]
    backward = ClosestPoint(found)(true.points)[1]
    values = {"surface_mm": float(np.concatenate([forward, backward]).mean())}
    if not np.array_equal(found.triangles, true.triangles):
        return values | dict.fromkeys(("vertex_mm", "across_mm", "along_mm"), float("nan"))
    difference = found.points - true.points
    rays = true.points - geometry.source_ras_mm
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    along = np.einsum("vk,vk->v", difference, rays)
    length = np.linalg.norm(difference, axis=1)
    across = np.sqrt(np.maximum(length**2 - along**2, 0))
    return values | {
        "vertex_mm": float(length.mean()),
        "across_mm": float(across.mean()),
        "along_mm": float(np.abs(along).mean()),
    }


def _calibration(found: Matrix, true: SurfaceMesh, covariance: Matrix | None) -> dict[str, float]:
    if covariance is None:
        return {}
    deviation = np.sqrt(np.einsum("vii->v", covariance))
    return {"within_2_deviations": float((np.linalg.norm(found - true.points, axis=1) < 2 * deviation).mean())}


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """JSON values; None for what is not a number."""

    def at(name: str, percentile: float, some: Sequence[dict[str, Any]]) -> float | None:
        value = float(np.percentile([row[name] for row in some], percentile))
        return round(value, 3) if np.isfinite(value) else None

    names = [name for name in rows[0] if name != "realism"]
    by_realism = {level: [row for row in rows if row["realism"] == level] for level in LEVELS}
    return {
        "films": len(rows),
        **{name: at(name, 50, rows) for name in names},
        "surface_mm_p95": at("surface_mm", 95, rows),
        "surface_mm_by_realism": {level: at("surface_mm", 50, some) for level, some in by_realism.items() if some},
    }


def _moved(points: Matrix, pose: Matrix) -> Matrix:
    return points @ pose[:3, :3].T + pose[:3, 3]
