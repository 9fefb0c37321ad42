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

from XRayRegistrationLib.rigid.covariance import tile_gradients, twist_covariance
from XRayRegistrationLib.rigid.cut_faces import CutFaces
from XRayRegistrationLib.rigid.film_pyramid import Film
from XRayRegistrationLib.rigid.local_normalisation import LocalNormaliser

Matrix = NDArray[np.float64]

OUTLIER_RESIDUAL = 1.0
"""Residual (in local standard deviations) at which a pixel's weight has halved."""

FIRST_DAMPING = 1e-2
GIVE_UP_DAMPING = 1e4
FEWEST_PIXELS = 60
SMALLEST_SIGNAL = 0.01
"""Less than this share of the films' contrast above the noise is nothing to register on."""


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
        return [total.state(pose, self.pivot_ras_mm) for total, pose in zip(self._sums(poses), poses, strict=True)]

    def covariance(self, pose: Matrix) -> Matrix:
        """(6, 6) covariance of the twist (rad, mm) at a pose."""
        (total,) = self._sums([pose], with_tiles=True)
        return twist_covariance(total.hessian, total.tiles)

    def _sums(self, poses: Sequence[Matrix], with_tiles: bool = False) -> list[_Sums]:
        sums = [_Sums(with_tiles) for _ in poses]
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
        states = self.match(poses)
        for _ in range(iterations):
            moving = [n for n, state in enumerate(states) if not state.converged and np.isfinite(state.cost)]
            if not moving:
                break
            steps = [_step(states[n]) for n in moving]
            tried = self.match(
                [self._moved(states[n].ct_to_world, step) for n, step in zip(moving, steps, strict=True)]
            )
            for n, step, new in zip(moving, steps, tried, strict=True):
                states[n] = _accepted(states[n], new, small=_size_mm(step) < smallest_step_mm)
        return states

    def _moved(self, ct_to_world: Matrix, twist: Matrix) -> Matrix:
        return ct_to_world @ motion_from_twist(twist, self.pivot_ras_mm)


class _Sums:
    """Normal equations of one pose, gathered view by view."""

    def __init__(self, with_tiles: bool) -> None:
        self.tiles: list[Matrix] | None = [] if with_tiles else None
        self.hessian, self.gradient = np.zeros((6, 6)), np.zeros(6)
        self.cost = self.signal = self.open_pixels = self.pixels = 0.0
        self.film_power = self.image_power = self.product = 0.0

    def add(self, film: Film, image: NDArray, jacobian: NDArray, normaliser: LocalNormaliser) -> None:
        valid = normaliser.valid
        floor = normaliser.floor(image)
        if not valid.any() or floor < 1e-10:
            return
        wanted = normaliser.normalise(film.image, normaliser.floor(film.image))[valid]
        found, derivative = normaliser.normalise_with_jacobian(image, jacobian, floor)
        found, derivative = found[valid], derivative[:, valid]
        residual = wanted - found
        scaled = residual**2 / OUTLIER_RESIDUAL**2
        signal = film.signal[valid]
        weight = signal / (1 + scaled)
        weighted = derivative * weight
        self.hessian += (weighted @ derivative.T).astype(np.float64)
        self.gradient += (weighted @ residual).astype(np.float64)
        if self.tiles is not None:
            self.tiles.append(tile_gradients(weighted, residual, valid))
        self.cost += float((signal * np.log1p(scaled)).sum(dtype=np.float64))
        self.signal += float(signal.sum(dtype=np.float64))
        self.pixels += residual.size
        self.film_power += float((weight * wanted) @ wanted)
        self.image_power += float((weight * found) @ found)
        self.product += float((weight * wanted) @ found)

    def state(self, pose: Matrix, pivot_ras_mm: Matrix) -> MatchState:
        middle_mm = (pose @ [*pivot_ras_mm, 1])[:3]
        if self.pixels < FEWEST_PIXELS or self.signal < SMALLEST_SIGNAL * self.pixels:
            return MatchState(pose, middle_mm, np.inf, 0.0, 0.0, np.eye(6), np.zeros(6), 0)
        power = np.sqrt(self.film_power * self.image_power)
        similarity = self.product / power if power > 0 else 0.0
        return MatchState(
            pose,
            middle_mm,
            self.cost / self.signal,
            -np.log1p(-(min(max(similarity, 0.0), 0.999) ** 2)) * self.pixels / self.open_pixels,
            similarity,
            self.hessian / self.pixels,
            self.gradient / self.pixels,
            int(self.pixels),
        )


def _step(state: MatchState) -> Matrix:
    """The damped Gauss-Newton step; rotations and translations are scaled by their own curvature."""
    diagonal = np.diag(state.hessian)
    damped = state.hessian + np.diag(state.damping * diagonal + 1e-12)
    return np.linalg.solve(damped, state.gradient)


def _accepted(old: MatchState, new: MatchState, small: bool) -> MatchState:
    if new.cost < old.cost:
        return replace(new, damping=max(old.damping / 5, 1e-6), converged=small)
    damping = old.damping * 8
    return replace(old, damping=damping, converged=small or damping > GIVE_UP_DAMPING)


def _size_mm(twist: Matrix) -> float:
    """About how far a twist moves points 100 mm from the pivot."""
    return float(100 * np.linalg.norm(twist[:3]) + np.linalg.norm(twist[3:]))
