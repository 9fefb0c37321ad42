"""A few steps on the radiographs: modes of the motion and the pose, until the deformed CT looks like the films.

Gauss-Newton on the coefficients of the first modes and a rigid motion, with derivatives by finite differences of the
projected CT. Films are compared by their local contrast, as the network sees them. The network's answer, with its own
deviations, and the spread of the modes are the prior. A step that lowers the cost at no length is not taken, so that
the result is the network's own where the films do not ask for more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from XRayLib.canonical_view.contrast import two_contrasts
from XRayLib.case import Case
from XRayLib.ct import Volume, attenuation_from_hu, remove_table, resample_isotropic
from XRayLib.geometry import XRayGeometry
from XRayLib.motion import DeformationModes
from XRayLib.projector import Projector
from XRayLib.projector.rigid import motion_from_twist

from X2CTReconLib.mesh_preparation.mesh_model import PreparedMeshModel, SeenMesh

Matrix = NDArray[np.float64]
Array = NDArray[np.float32]

VOXEL_MM = 4.0
MODES = 10
STEPS = 4
LENGTHS = (0.5, 1.0, 2.0, 4.0)
"""Tried of every step: where film and CT differ, Gauss-Newton steps are too short."""
MODE_STEP = 0.1
"""Standard deviations of a mode per finite difference."""
POSE_STEP = np.array([0.01, 0.01, 0.01, 1.0, 1.0, 1.0])
"""Of the twist, rad and mm."""
POSE_DEVIATION = np.array([0.02, 0.02, 0.02, 3.0, 3.0, 3.0])
"""What a rigid registration is expected to leave."""
INDEPENDENT_VERTICES = 8.0
"""Neighbours share their errors: however many vertices an organ has, they count as this many."""
PIXELS_PER_OBSERVATION = 30.0
"""Neighbouring pixels share their residuals, too."""
FEWEST_KNOWN = 0.1


@dataclass(frozen=True)
class Refined:
    """``displacement_mm`` (V, 3) of the vertices in CT RAS, and similarities before and after, 1 is perfect."""

    displacement_mm: Matrix
    quality: dict[str, float]


def refine(
    model: PreparedMeshModel,
    case: Case,
    ct_to_world: Matrix,
    seen: SeenMesh,
    device: str,
    progress: Callable[[float], None],
) -> Refined:
    """The network's answer, improved on all films."""
    films = [_film(model, radiograph, ct_to_world) for radiograph in case.radiographs]
    patient = DeformedPatient(case.ct, model.modes(), model.middle_ras_mm, device)
    problem = _Problem(patient, model.surface.points, films, seen)
    state = problem.start()
    first = best = problem.cost(state)
    for step in range(STEPS):
        progress(step / STEPS)
        way = problem.step(state, lambda share, step=step: progress((step + share) / STEPS))
        tried = [state + length * way for length in LENGTHS]
        costs = [problem.cost(one) for one in tried]
        least = int(np.argmin([cost.total for cost in costs]))
        if costs[least].total >= best.total:
            break
        state, best = tried[least], costs[least]
    moved = problem.displacement(state) - problem.displacement(problem.start())
    return Refined(
        seen.displacement_mm + moved,
        {"similarity_before": first.similarity, "similarity": best.similarity},
    )


class DeformedPatient:
    """The CT in motion on a coarse grid."""

    def __init__(self, ct: Volume, modes: DeformationModes, pivot_ras_mm: Matrix, device: str) -> None:
        self.modes, self._pivot, self._device = modes, pivot_ras_mm, device
        self._ct = resample_isotropic(remove_table(ct), VOXEL_MM)
        self.used = min(MODES, modes.count)

    def coefficients(self, some: Matrix) -> Matrix:
        """All of them; those that are not refined are 0."""
        return np.concatenate([some, np.zeros(self.modes.count - len(some))])

    def displaced(self, state: Matrix, points: Matrix) -> Matrix:
        """Displacement (V, 3) of the organ's vertices ``points``: modes, then the rigid motion."""
        moved = points + self.modes.organ_displacement_mm(self.coefficients(state[: self.used]))
        motion = motion_from_twist(state[self.used :], self._pivot)
        return moved @ motion[:3, :3].T + motion[:3, 3] - points

    def projector(self, coefficients: Matrix) -> Projector:
        """Of the CT deformed by the coefficients."""
        field = self.modes.field(self.coefficients(coefficients)).on_grid(self._ct.voxels.shape, self._ct.ijk_to_ras)
        now = field.warp(self._ct, extend=True, keep_mass=True)
        return Projector(Volume(attenuation_from_hu(now.voxels), now.ijk_to_ras, "mu_per_mm"), device=self._device)

    def pictures(self, projector: Projector, twist: Matrix, views: list[XRayGeometry]) -> Array:
        """Line integrals (views, rows, columns) after the rigid motion."""
        motion = motion_from_twist(twist, self._pivot)
        return projector.project([view.moved(motion) for view in views])


@dataclass(frozen=True)
class _Film:
    geometry: XRayGeometry
    contrast: Array
    known: NDArray[np.bool_]


@dataclass(frozen=True)
class _Cost:
    total: float
    similarity: float


class _Problem:
    """Cost and Gauss-Newton steps; a state is the used coefficients and the twist (rad, mm)."""

    def __init__(self, patient: DeformedPatient, points: Matrix, films: list[_Film], seen: SeenMesh) -> None:
        self._patient, self._points, self._films, self._seen = patient, points, films, seen
        self._views = [film.geometry for film in films]
        self._wanted = np.concatenate([film.contrast[film.known] for film in films])
        precision = np.linalg.inv(seen.covariance_mm2)
        self._root = np.linalg.cholesky(precision).transpose(0, 2, 1)
        self._vertex_weight = np.sqrt(INDEPENDENT_VERTICES / len(points))
        self._noise: float | None = None

    def start(self) -> Matrix:
        """The coefficients that come nearest to the network's answer, and no motion."""
        found = self._patient.modes.organ_coefficients(self._seen.displacement_mm)[: self._patient.used]
        return np.concatenate([np.clip(found.astype(float), -4, 4), np.zeros(6)])

    def displacement(self, state: Matrix) -> Matrix:
        """Of the vertices."""
        return self._patient.displaced(state, self._points)

    def cost(self, state: Matrix) -> _Cost:
        """Half the sum of squared weighted residuals, and the correlation of the pictures."""
        shown = self._shown(self._patient.projector(state[: self._patient.used]), state)
        residual = self._wanted - shown
        if self._noise is None:
            self._noise = max(float(np.sqrt(np.mean(residual**2))), 1e-3)
        pictures = (residual**2).sum() / (self._noise**2 * PIXELS_PER_OBSERVATION)
        return _Cost(0.5 * float(pictures + (self._prior(state) ** 2).sum()), float(_correlation(self._wanted, shown)))

    def step(self, state: Matrix, progress: Callable[[float], None]) -> Matrix:
        """Gauss-Newton."""
        used = self._patient.used
        here = self._patient.projector(state[:used])
        shown = self._shown(here, state)
        columns = []
        for n, size in enumerate([MODE_STEP] * used + list(POSE_STEP)):
            progress(n / (used + 6))
            changed = state.copy()
            changed[n] += size
            projector = self._patient.projector(changed[:used]) if n < used else here
            columns.append((self._shown(projector, changed) - shown) / size)
        weight = 1 / (self._noise * np.sqrt(PIXELS_PER_OBSERVATION))
        prior, prior_slope = self._prior(state), self._prior_slope(state)
        slope = np.concatenate([np.stack(columns, axis=1) * weight, -prior_slope])
        rest = np.concatenate([(self._wanted - shown) * weight, prior])
        return np.linalg.lstsq(slope, rest, rcond=None)[0]

    def _shown(self, projector: Projector, state: Matrix) -> Array:
        pictures = self._patient.pictures(projector, state[self._patient.used :], self._views)
        return np.concatenate(
            [two_contrasts(p, film.known)[1][film.known] for p, film in zip(pictures, self._films, strict=True)]
        )

    def _prior(self, state: Matrix) -> Matrix:
        """What should be 0: departure from the network's answer, from the modes' spread, from the pose."""
        off = self.displacement(state) - self._seen.displacement_mm
        vertices = np.einsum("vij,vj->vi", self._root, off).ravel() * self._vertex_weight
        used = self._patient.used
        return np.concatenate([vertices, state[:used], state[used:] / POSE_DEVIATION])

    def _prior_slope(self, state: Matrix) -> Matrix:
        before = self._prior(state)
        steps = np.concatenate([np.full(self._patient.used, MODE_STEP), POSE_STEP])
        return np.stack([(self._prior(state + step) - before) / step.sum() for step in np.diag(steps)], axis=1)


def _film(model: PreparedMeshModel, radiograph, ct_to_world: Matrix) -> _Film:
    """The film in the network's window."""
    view = model.organ_view(radiograph, ct_to_world)
    known = view.contrasts[1] != 0
    return _Film(view.geometry, view.contrasts[1], known)


def _correlation(a: Array, b: Array) -> float:
    a, b = a - a.mean(), b - b.mean()
    return float((a @ b) / max(np.sqrt((a @ a) * (b @ b)), 1e-12))
