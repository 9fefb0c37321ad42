"""A smooth random deformation that keeps volume: the curl of cubic B-splines on a coarse lattice of control points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SPACING_MM = 64.0
STEEPEST = 0.5
"""Largest gradient (Frobenius norm). A map p + u(p) with a gradient below 1 is one to one; the rest is left to the
wall's motion, which is added."""
CURL_PER_DEVIATION = 0.553
"""Deviation of the curl's components, times the spacing, for control points of deviation 1: from the mean squares of
the cubic B-spline (0.479) and of its slope (2/3) over a cell, sqrt(2 * 2/3 * 0.479^2)."""

Array = NDArray[np.float64]


class Lattice:
    """Control points that surround a box, evaluated on a regular grid inside."""

    def __init__(self, low_ras_mm: Array, grid_axes_mm: tuple[Array, Array, Array]) -> None:
        """``grid_axes_mm``: R, A, S of the grid on which the deformation is wanted; it starts at ``low_ras_mm``."""
        self._low_ras_mm = low_ras_mm
        self._grid_mm = [float(axis[1] - axis[0]) for axis in grid_axes_mm]
        places = [(axis - low_ras_mm[n]) / SPACING_MM for n, axis in enumerate(grid_axes_mm)]
        self._values, self._slopes = [_weights(p) for p in places], [_weights(p, slope=True) for p in places]
        self.shape = tuple(weights.shape[1] for weights in self._values[::-1])
        """Of the lattice, (k, j, i)."""
        axes = [low_ras_mm[n] + SPACING_MM * (np.arange(size) - 1.0) for n, size in enumerate(self.shape[::-1])]
        s, a, r = np.meshgrid(*axes[::-1], indexing="ij")
        self.points_ras_mm = np.stack([r, a, s], axis=-1)

    def drawn(self, deviation_mm: float, weights: Array, rng: np.random.Generator) -> Array:
        """Random control points (k, j, i, 3), mm^2, of a deformation of about this deviation along each axis.

        ``weights`` (k, j, i) scale them from place to place. What would be too steep is scaled down as a whole.
        """
        points = rng.normal(0.0, 1.0, (*self.shape, 3)) * weights[..., None]
        points *= deviation_mm * SPACING_MM / CURL_PER_DEVIATION
        return points * min(1.0, STEEPEST / max(self._steepest(self.displacement_mm(points)), 1e-9))

    def displacement_mm(self, control_points: Array) -> Array:
        """The curl of the B-spline field on the grid, (k, j, i, 3)."""
        x, y, z = (control_points[..., n] for n in range(3))
        return np.stack(
            [
                self._derivative(z, 1) - self._derivative(y, 2),
                self._derivative(x, 2) - self._derivative(z, 0),
                self._derivative(y, 0) - self._derivative(x, 1),
            ],
            axis=-1,
        )

    def _derivative(self, control_points: Array, axis: int) -> Array:
        """Derivative per mm along R, A or S of one component, (k, j, i)."""
        i, j, k = (self._slopes[n] if n == axis else self._values[n] for n in range(3))
        return np.einsum("kc,cji->kji", k, (control_points @ i.T).swapaxes(1, 2) @ j.T).swapaxes(1, 2)

    def _steepest(self, displacement_mm: Array) -> float:
        gradients = np.gradient(displacement_mm, *self._grid_mm[::-1], axis=(0, 1, 2))
        return float(np.sqrt(sum(np.square(g).sum(axis=-1) for g in gradients).max()))


def _weights(places: Array, slope: bool = False) -> Array:
    """Cubic B-spline weights, or their derivatives per mm, (places, control points).

    ``places`` in lattice spacings; control point 1 is at place 0.
    """
    cell = np.floor(places).astype(int)
    t = places - cell
    parts = [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]
    if slope:
        parts = [-3 * (1 - t) ** 2, 9 * t**2 - 12 * t, -9 * t**2 + 6 * t + 3, 3 * t**2]
    weights = np.zeros((len(places), int(cell.max()) + 4))
    for n, part in enumerate(parts):
        weights[np.arange(len(places)), cell + n] = part / (6 * SPACING_MM if slope else 6)
    return weights
