"""Displacements that carry an atlas onto a patient: of size and place, and smooth in between."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

SIZE_DEVIATION, PLACE_DEVIATION_MM = 0.08, 12.0
"""How far patients differ from the atlas along every axis, and how far they lie from where it is put."""

CONTROL_POINTS, CONTROL_DEVIATION_MM = 8, 20.0
"""Of the cubic B-spline: a point for every 8 cm of a chest, and how far each is from its place."""


class SmoothDisplacement:
    """A linear map from parameters, all of deviation 1 in the population, to displacements on a cubic grid.

    Parameters
    ----------
    voxels : int
        Along every edge of the grid.
    edge_mm : float
        From the outer face of the first voxel to that of the last.
    """

    def __init__(self, voxels: int, edge_mm: float) -> None:
        self.voxels = voxels
        self._away_mm = ((np.arange(voxels) + 0.5) / voxels - 0.5).astype(np.float32) * np.float32(edge_mm)
        self._splines = cubic_b_splines(CONTROL_POINTS, voxels)

    @property
    def count(self) -> int:
        """Of parameters: sizes and places along k, j, i, then the control points (3, K, J, I)."""
        return 6 + 3 * CONTROL_POINTS**3

    def displacement_mm(self, parameters: Array) -> Array:
        """(3, n, n, n) along k, j, i."""
        b = self._splines
        control = parameters[6:].reshape(3, *(CONTROL_POINTS,) * 3) * np.float32(CONTROL_DEVIATION_MM)
        along = np.einsum("yj,cijx->ciyx", b, control @ b.T, optimize=True)
        found = np.einsum("zi,ciyx->czyx", b, along, optimize=True)
        for axis in range(3):
            found[axis] += self._along(axis) * np.float32(SIZE_DEVIATION) * parameters[axis]
            found[axis] += np.float32(PLACE_DEVIATION_MM) * parameters[3 + axis]
        return found

    def adjoint(self, field: Array) -> Array:
        """The exact adjoint of ``displacement_mm``."""
        b = self._splines
        along = np.einsum("zi,czyx->ciyx", b, field, optimize=True)
        control = np.einsum("yj,ciyx->cijx", b, along, optimize=True) @ b
        sizes = [SIZE_DEVIATION * float((field[axis] * self._along(axis)).sum()) for axis in range(3)]
        places = [PLACE_DEVIATION_MM * float(field[axis].sum()) for axis in range(3)]
        return np.concatenate([sizes, places, CONTROL_DEVIATION_MM * control.ravel()]).astype(np.float32)

    def _along(self, axis: int) -> Array:
        """Distance from the middle along an axis, to be broadcast over the grid."""
        return np.moveaxis(self._away_mm[:, None, None], 0, axis)


def cubic_b_splines(control_points: int, samples: int) -> Array:
    """(samples, control points): uniform cubic B-splines that cover the samples from end to end."""
    places = np.linspace(1, control_points - 2, samples)
    first = np.floor(places).astype(int) - 1
    f = places - np.floor(places)
    shares = [(1 - f) ** 3 / 6, (3 * f**3 - 6 * f**2 + 4) / 6, (-3 * f**3 + 3 * f**2 + 3 * f + 1) / 6, f**3 / 6]
    found = np.zeros((samples, control_points), np.float32)
    for n, share in enumerate(shares):
        np.add.at(found, (np.arange(samples), np.minimum(first + n, control_points - 1)), share)
    return found
