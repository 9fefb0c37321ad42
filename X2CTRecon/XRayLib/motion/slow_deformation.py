"""Slow deformation that no breathing model foresees: a Gaussian process on a grid, held by its strongest modes.

How lungs, heart, bowel and wall follow the diaphragm differs from patient to patient and from breath to breath. What
the films show of that must be explained by itself; otherwise a wrong motion of the organ explains it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LENGTH_MM = 35.0
"""Over which neighbouring places move alike (squared exponential)."""
ELSEWHERE_MM = (3.0, 4.0, 8.0)
"""Deviation along R, A and S: 8 mm is about a quarter of a deep breath, as lungs, stomach and bowel differ in it."""
WHERE_FIRM = 0.25
"""Of that: after a rigid motion a liver is found to be deformed by some millimetres; ribs and spine hold the wall."""


@dataclass(frozen=True, eq=False)
class SlowDeformation:
    """``modes_mm`` (count, k, j, i, 3): displacement by one standard deviation of each of as many independent numbers;
    ``left_out_mm`` (k, j, i): deviation, all directions together, of what they do not reach."""

    modes_mm: NDArray[np.float32]
    left_out_mm: Array

    def displacement_mm(self, values: Array) -> Array:
        """(k, j, i, 3) of numbers (count,)."""
        return np.tensordot(np.asarray(values, float), self.modes_mm, axes=1)


def slow_deformation(firm: Array, spacing_mm: float, count: int) -> SlowDeformation:
    """The ``count`` strongest modes on the grid of ``firm`` (k, j, i), cubic voxels along R, A, S; ``firm`` is 1 where
    all moves as little as within the organ, 0 elsewhere, or between.

    The process is stationary but for its size. Its covariance is a product over the axes, and so are its modes
    (Karhunen-Loeve): the eigenvectors of each axis' covariance.
    """
    shape = firm.shape
    values, vectors = zip(*(_axis_modes(size, spacing_mm) for size in shape), strict=True)
    share = np.einsum("k,j,i->kji", *values)
    strengths = np.multiply.outer(np.square(ELSEWHERE_MM), share)
    strongest = np.argsort(-strengths.ravel(), kind="stable")[:count]
    modes = np.zeros((len(strongest), *shape, 3), np.float32)
    for mode, place in zip(modes, strongest, strict=True):
        component, *numbers = np.unravel_index(place, strengths.shape)
        by_axis = (axis[:, n] for axis, n in zip(vectors, numbers, strict=True))
        mode[..., component] = np.sqrt(strengths.flat[place]) * np.einsum("k,j,i->kji", *by_axis)
    left_out = np.sum(np.square(ELSEWHERE_MM)) - np.square(modes).sum(axis=(0, -1))
    size = 1 - (1 - WHERE_FIRM) * firm
    return SlowDeformation(modes * size[..., None].astype(np.float32), size * np.sqrt(np.maximum(left_out, 0)))


def _axis_modes(size: int, spacing_mm: float) -> tuple[Array, Array]:
    """Eigenvalues (size,) and eigenvectors (size, size) of the covariance along one axis, the largest first."""
    places = spacing_mm * np.arange(size)
    covariance = np.exp(-0.5 * (np.subtract.outer(places, places) / LENGTH_MM) ** 2)
    values, vectors = np.linalg.eigh(covariance)
    return np.maximum(values[::-1], 0), vectors[:, ::-1]
