"""One mesh or deformation of the proof, run and judged beside its baselines: a row of plain numbers."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from breath_cases import BreathCase
from breath_films import BreathExposure, MovingPatient, expose_breath
from numpy.typing import NDArray
from XRayLib.case import Case, Options, Result, SurfaceMesh
from XRayLib.errors import XRay3DError
from XRayLib.geometry import XRayGeometry
from XRayLib.metrics import evaluate_mesh

Run = Callable[[Case, Options], Result]
Matrix = NDArray[np.float64]

POSE_NOISE_DEG, POSE_NOISE_MM = 1.0, 2.0
KEPT = (
    "surface_mm",
    "surface_rmse_mm",
    "surface_p95_mm",
    "surface_hausdorff_mm",
    "dice",
    "volume_error_percent",
    "vertex_md_mm",
    "vertex_rmse_mm",
)


def run_breath(case: BreathCase, run: Run, patient: MovingPatient, options: Options) -> dict[str, Any]:
    """Make the film or films, run the method, judge; "along the ray" is that of the first.

    An error of the project's own kind leaves the row without a result, with its sentence as the reason; any other is a
    bug and is raised.
    """
    exposures = [expose_breath(film, patient) for film in case.films()]
    exposure, start = exposures[0], _start(case, patient)
    given = Case(tuple(e.radiograph for e in exposures), ct=patient.ct, mesh=patient.organ, initial_ct_to_world=start)
    row: dict[str, Any] = case.as_dict() | {"baselines": baselines(exposure, patient, start)}
    begin = time.perf_counter()
    try:
        result = run(given, options)
    except XRay3DError as error:
        return row | {"reason": str(error), "seconds": time.perf_counter() - begin}
    row["seconds"] = time.perf_counter() - begin
    row["result"] = judged(exposure, found_organ(result, patient.organ))
    row["quality"] = {name: float(value) for name, value in result.quality.items()}
    row |= _calibration(exposure, result)
    if result.deformation is not None:
        row["folding_fraction"] = result.deformation.folding_fraction()
        row["result"] |= _field_errors(exposure, result)
    return row


def found_organ(result: Result, organ: SurfaceMesh) -> SurfaceMesh:
    """The organ that a method found, in the world: its mesh, or the planned one carried by its deformation."""
    if result.mesh is not None:
        return result.mesh
    assert result.deformation is not None, "a method of this proof returns a mesh or a deformation"
    pose = np.eye(4) if result.ct_to_world is None else result.ct_to_world
    return _carried(SurfaceMesh(result.deformation.moved(organ.points), organ.triangles), pose)


def baselines(exposure: BreathExposure, patient: MovingPatient, start: Matrix) -> dict[str, dict[str, float]]:
    """What one scores without reading the film.

    identity: as planned, at the given rigid pose; mean_shape: the mean of the trained motion there; best_rigid: the
    planned organ moved rigidly onto the true one, which no rigid registration can surpass.
    """
    shapes = {
        "identity": _carried(patient.organ, start),
        "mean_shape": _carried(patient.mean_shape, start),
        "best_rigid": best_rigid(patient.organ, exposure.organ),
    }
    return {name: judged(exposure, shape) for name, shape in shapes.items()}


def best_rigid(organ: SurfaceMesh, target: SurfaceMesh) -> SurfaceMesh:
    """Least squares over corresponding vertices (Kabsch, Acta Cryst A32:922, 1976)."""
    one, other = np.asarray(organ.points), np.asarray(target.points)
    u, _, v = np.linalg.svd((one - one.mean(axis=0)).T @ (other - other.mean(axis=0)))
    proper = np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ v))])
    return replace(organ, points=(one - one.mean(axis=0)) @ (u @ proper @ v) + other.mean(axis=0))


def judged(exposure: BreathExposure, found: SurfaceMesh) -> dict[str, float]:
    """Errors of an organ in the world, which is where the CT lies."""
    view: XRayGeometry = exposure.radiograph.geometry
    bare = SurfaceMesh(np.asarray(found.points, float), np.asarray(found.triangles))
    measured = evaluate_mesh(exposure.organ, bare, geometries=[view])["result"]
    return {name: float(measured[name]) for name in KEPT if name in measured} | dict(measured["views"][0])


def _field_errors(exposure: BreathExposure, result: Result) -> dict[str, float]:
    """Distance of the deformed CT's points near the organ from where they are."""
    points = np.asarray(exposure.organ.points)
    pose = np.eye(4) if result.ct_to_world is None else result.ct_to_world
    assert result.deformation is not None
    back = (points - pose[:3, 3]) @ pose[:3, :3]
    errors = np.linalg.norm(result.deformation.in_ct(back) - exposure.field.in_ct(points), axis=1)
    return {"tre_mm": float(errors.mean()), "tre_p95_mm": float(np.percentile(errors, 95))}


def _calibration(exposure: BreathExposure, result: Result) -> dict[str, float]:
    """Share of the vertices within one and two of their stated deviations, and the errors' mean square over theirs.

    A deviation is of all directions together: of errors along one line 68 and 95 % lie within, of errors alike in all
    directions 61 and 99 %.
    """
    mesh = result.mesh
    if mesh is None or "deviation_mm" not in mesh.scalars or len(mesh.points) != len(exposure.organ.points):
        return {}
    errors_mm = np.linalg.norm(np.asarray(mesh.points) - exposure.organ.points, axis=1)
    stated_mm = np.asarray(mesh.scalars["deviation_mm"])
    shares = {f"within_{n}_sd": float(np.mean(errors_mm < n * stated_mm)) for n in (1, 2)}
    return shares | {"error_over_sd": float(np.sqrt(np.mean(errors_mm**2) / np.mean(stated_mm**2)))}


def _start(case: BreathCase, patient: MovingPatient) -> Matrix:
    """4x4 ct_to_world that the method is given; the true one is the identity."""
    start = np.eye(4)
    if case.pose_noise:
        from scipy.spatial.transform import Rotation

        rng = case.rng(3)
        start[:3, :3] = Rotation.from_rotvec(np.deg2rad(rng.normal(0, POSE_NOISE_DEG, 3))).as_matrix()
        middle = patient.middle_ras_mm
        start[:3, 3] = middle - start[:3, :3] @ middle + rng.normal(0, POSE_NOISE_MM, 3)
    return start


def _carried(mesh: SurfaceMesh, pose: Matrix) -> SurfaceMesh:
    return SurfaceMesh(np.asarray(mesh.points) @ pose[:3, :3].T + pose[:3, 3], mesh.triangles)
