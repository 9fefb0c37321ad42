"""A smooth random deformation: cubic B-splines on a coarse lattice of control points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SPACING_MM = 64.0
LARGEST_SHARE = 0.3
"""Largest shift of a control point along an axis, in lattice spacings. Below 0.403 a field of uniform cubic B-splines
in space is one to one (Choi and Lee, Graphical Models 62(6):411, 2000); what is left lets the wall move as well."""

Array = NDArray[np.float64]


class Lattice:
    """Control points that surround a box, evaluated at points on a regular grid inside."""

    def __init__(self, low_ras_mm: Array, grid_axes_mm: tuple[Array, Array, Array]) -> None:
        """``grid_axes_mm``: R, A, S of the grid on which the deformation is wanted; it starts at ``low_ras_mm``."""
        self._weights = [_weights((axis - low_ras_mm[n]) / SPACING_MM) for n, axis in enumerate(grid_axes_mm)]
        self.shape = tuple(weights.shape[1] for weights in self._weights[::-1])
        """Of the lattice, (k, j, i)."""
        axes = [low_ras_mm[n] + SPACING_MM * (np.arange(w.shape[1]) - 1.0) for n, w in enumerate(self._weights)]
        s, a, r = np.meshgrid(*axes[::-1], indexing="ij")
        self.points_ras_mm = np.stack([r, a, s], axis=-1)

    def drawn(self, deviation_mm: float, weights: Array, rng: np.random.Generator) -> Array:
        """Random shifts (k, j, i, 3) of the control points; ``weights`` (k, j, i) scale them from place to place."""
        limit = LARGEST_SHARE * SPACING_MM
        shifts = rng.normal(0.0, 1.0, (*self.shape, 3)) * deviation_mm * weights[..., None]
        return np.clip(shifts, -limit, limit)

    def displacement_mm(self, shifts_mm: Array) -> Array:
        """The B-spline field on the grid, (k, j, i, 3)."""
        i, j, k = self._weights
        along_i = np.tensordot(shifts_mm, i, axes=(2, 1))  # (lattice k, lattice j, 3, i)
        along_j = np.tensordot(along_i, j, axes=(1, 1))  # (lattice k, 3, i, j)
        return np.tensordot(along_j, k, axes=(0, 1)).transpose(3, 2, 1, 0)


def _weights(places: Array) -> Array:
    """Cubic B-spline weights (places, control points) for places in lattice spacings from the first inner point."""
    cell = np.floor(places).astype(int)
    t = places - cell
    parts = [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]
    weights = np.zeros((len(places), int(cell.max()) + 4))
    for n, part in enumerate(parts):
        weights[np.arange(len(places)), cell + n] = part / 6
    return weights
