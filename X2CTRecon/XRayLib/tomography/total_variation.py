"""Total variation of a volume: its differences, their adjoint, and denoising."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def differences(voxels: Array) -> Array:
    """Forward differences (3, k, j, i) along k, j, i; 0 at the last voxel of each axis."""
    result = np.zeros((3, *voxels.shape), np.float32)
    result[0, :-1] = voxels[1:] - voxels[:-1]
    result[1, :, :-1] = voxels[:, 1:] - voxels[:, :-1]
    result[2, :, :, :-1] = voxels[:, :, 1:] - voxels[:, :, :-1]
    return result


def differences_adjoint(slopes: Array) -> Array:
    """The exact adjoint of :func:`differences`: minus the divergence."""
    result = np.zeros(slopes.shape[1:], np.float32)
    result[:-1] -= slopes[0, :-1]
    result[1:] += slopes[0, :-1]
    result[:, :-1] -= slopes[1, :, :-1]
    result[:, 1:] += slopes[1, :, :-1]
    result[:, :, :-1] -= slopes[2, :, :, :-1]
    result[:, :, 1:] += slopes[2, :, :, :-1]
    return result


def total_variation_denoised(voxels: Array, strength: float, iterations: int = 8) -> Array:
    """Approximate minimiser x of |x - voxels|^2 / 2 + strength * sum |grad x|, by the dual of the problem.

    Gradient projection of A. Chambolle, J. Math. Imaging Vis. 20:89-97, 2004; ``strength`` in the voxels' units.
    """
    if strength <= 0:
        return voxels
    dual = np.zeros((3, *voxels.shape), np.float32)
    result = voxels
    for _ in range(iterations):
        dual += np.float32(1 / (12 * strength)) * differences(result)
        dual /= np.maximum(np.sqrt((dual**2).sum(axis=0)), 1)
        result = voxels - np.float32(strength) * differences_adjoint(dual)
    return result
