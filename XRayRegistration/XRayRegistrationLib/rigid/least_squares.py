"""The pose at which the CT's projections match the films, from many starts at once: Levenberg-Marquardt on locally
normalised images.

Residuals: film minus projection, both locally normalised (local_normalisation.py), over all views, with Cauchy weights
so that instruments and other things the CT does not hold count little. The derivative is the projector's exact one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from XRayLib.projector import Projector
from XRayLib.projector.rigid import motion_from_twist

from XRayRegistrationLib.rigid.covariance import twist_covariance
from XRayRegistrationLib.rigid.cut_faces import CutFaces
from XRayRegistrationLib.rigid.film_pyramid import Film
from XRayRegistrationLib.rigid.local_normalisation import LocalNormaliser
from XRayRegistrationLib.rigid.normal_equations import FEWEST_PIXELS, NormalEquations

Matrix = NDArray[np.float64]

FIRST_DAMPING = 1e-2
GIVE_UP_DAMPING = 1e4
MOST_LENGTHS = 6.0


@dataclass(frozen=True)
class MatchState:
    """A pose with how well it matches and the normal equations there."""

    ct_to_world: Matrix
    middle_mm: Matrix
    """(3,) where the pivot is in the world."""
    cost: float
    """Mean robust residual of the pixels that the CT explains; infinite when it hardly meets the films."""
    evidence: float
    """Gain in log-likelihood, -log(1 - similarity^2), times the share of the films that the CT explains: unlike cost
    and similarity it does not improve when less of the films is compared."""
    similarity: float
    """Weighted correlation of locally normalised film and projection, over all views: 1 is perfect."""
    hessian: Matrix
    """(6, 6) J^T W J over the twist (rad, mm) about the pivot in the CT's frame, per counted pixel."""
    gradient: Matrix
    """(6,) J^T W r, per counted pixel."""
    pixels: int
    damping: float = FIRST_DAMPING
    converged: bool = False
    came_by: Matrix | None = None
    """The Gauss-Newton step that led here, and how many of its lengths were gone."""
    lengths: float = 1.0


@dataclass(frozen=True)
class Matcher:
    """One resolution: a projector of the CT, the films, and the size of the neighbourhoods that are compared."""

    spacing_mm: float
    projector: Projector
    films: Sequence[Film]
    cut_faces: CutFaces
    pivot_ras_mm: Matrix
    window_px: int

    def match(self, poses: Sequence[Matrix]) -> list[MatchState]:
        """The state at every pose (4x4 ct_to_world)."""
        return [self._state(pose, total) for pose, total in zip(poses, self._sums(poses), strict=True)]

    def covariance(self, pose: Matrix) -> Matrix:
        """(6, 6) covariance of the twist (rad, mm) at a pose."""
        (total,) = self._sums([pose], with_tiles=True)
        return twist_covariance(total.hessian, total.tiles)

    def _sums(self, poses: Sequence[Matrix], with_tiles: bool = False) -> list[NormalEquations]:
        sums = [NormalEquations(6, with_tiles) for _ in poses]
        for film in self.films:
            geometries = [film.geometry.moved(pose) for pose in poses]
            images, jacobians = self.projector.pose_jacobian(geometries, self.pivot_ras_mm)
            for total, geometry, image, jacobian in zip(sums, geometries, images, jacobians, strict=True):
                mask = film.mask & self.cut_faces.explained(geometry)
                total.open_pixels += int(film.mask.sum())
                if mask.sum() >= FEWEST_PIXELS:
                    total.add(film, image, jacobian, LocalNormaliser(mask, self.window_px))
        return sums

    def minimise(self, poses: Sequence[Matrix], iterations: int, smallest_step_mm: float) -> list[MatchState]:
        """The states that Levenberg-Marquardt reaches from every pose in at most ``iterations`` projections."""
        states = self.match(poses) if poses else []
        for _ in range(iterations):
            moving = [n for n, state in enumerate(states) if not state.converged and np.isfinite(state.cost)]
            if not moving:
                break
            steps = [_step(states[n]) for n in moving]
            lengths = [_lengths(states[n], step) for n, step in zip(moving, steps, strict=True)]
            tried = self.match(
                [
                    self.moved(states[n].ct_to_world, length * step)
                    for n, step, length in zip(moving, steps, lengths, strict=True)
                ]
            )
            for n, step, length, new in zip(moving, steps, lengths, tried, strict=True):
                small = length * _size_mm(step) < smallest_step_mm
                states[n] = _accepted(states[n], replace(new, came_by=step, lengths=length), small)
        return states

    def _state(self, pose: Matrix, total: NormalEquations) -> MatchState:
        middle_mm = (pose @ [*self.pivot_ras_mm, 1])[:3]
        if not total.enough:
            return MatchState(pose, middle_mm, np.inf, 0.0, 0.0, np.eye(6), np.zeros(6), 0)
        pixels = total.pixels
        return MatchState(
            pose,
            middle_mm,
            total.mean_cost,
            -np.log1p(-(min(max(total.similarity, 0.0), 0.999) ** 2)) * pixels / total.open_pixels,
            total.similarity,
            total.hessian / pixels,
            total.gradient / pixels,
            pixels,
        )

    def moved(self, ct_to_world: Matrix, twist: Matrix) -> Matrix:
        """The pose after a twist (rad, mm) about the pivot in the CT's frame."""
        return ct_to_world @ motion_from_twist(twist, self.pivot_ras_mm)


def _step(state: MatchState) -> Matrix:
    """The damped Gauss-Newton step; rotations and translations are scaled by their own curvature."""
    diagonal = np.diag(state.hessian)
    damped = state.hessian + np.diag(state.damping * diagonal + 1e-12)
    return np.linalg.solve(damped, state.gradient)


def _lengths(state: MatchState, step: Matrix) -> float:
    return 1.0 if state.came_by is None else lengths_to_go(step, state.came_by, state.lengths, np.diag(state.hessian))


def lengths_to_go(step: Matrix, last_step: Matrix, last_lengths: float, curvature: Matrix) -> float:
    """How many lengths of a Gauss-Newton step to go, from how much the last move changed the step.

    Where film and CT differ, the objective curves less than its Gauss-Newton model says, and the steps are all too
    short, in the same direction (step length of J. Barzilai and J. M. Borwein, IMA J. Numerical Analysis 8(1), 1988,
    for the preconditioned gradient). ``curvature``: of every parameter, so that they can be added up.
    """
    weighted = curvature * last_step
    change = weighted @ (last_step - step) / (weighted @ last_step + 1e-30)
    return float(np.clip(last_lengths / change, 1.0, MOST_LENGTHS)) if change > 0 else MOST_LENGTHS


def _accepted(old: MatchState, new: MatchState, small: bool) -> MatchState:
    if new.cost < old.cost:
        return replace(new, damping=max(old.damping / 5, 1e-6), converged=small)
    if new.lengths > 1:
        return replace(old, came_by=None, lengths=1.0)
    damping = old.damping * 8
    return replace(old, came_by=None, lengths=1.0, damping=damping, converged=small or damping > GIVE_UP_DAMPING)


def _size_mm(twist: Matrix) -> float:
    """About how far a twist moves points 100 mm from the pivot."""
    return float(100 * np.linalg.norm(twist[:3]) + np.linalg.norm(twist[3:]))
