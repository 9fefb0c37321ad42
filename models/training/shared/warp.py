"""A CT sampled through a smooth random deformation, fast enough to do it for every training step."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[Any]


@njit(cache=True, nogil=True, fastmath=True)
def _trilinear(volume: FloatArray, k: float, j: float, i: float, outside: float) -> float:
    depth, rows, columns = volume.shape[0], volume.shape[1], volume.shape[2]
    if k < 0 or j < 0 or i < 0 or k > depth - 1 or j > rows - 1 or i > columns - 1:
        return outside
    k0, j0, i0 = min(int(k), depth - 2), min(int(j), rows - 2), min(int(i), columns - 2)
    fk, fj, fi = k - k0, j - j0, i - i0
    total = 0.0
    for dk in range(2):
        wk = fk if dk else 1 - fk
        for dj in range(2):
            wj = fj if dj else 1 - fj
            low, high = volume[k0 + dk, j0 + dj, i0], volume[k0 + dk, j0 + dj, i0 + 1]
            total += wk * wj * (low * (1 - fi) + high * fi)
    return total


@njit(cache=True, nogil=True, fastmath=True)
def warped(
    hu: FloatArray,
    size: int,
    affine: FloatArray,
    offset: FloatArray,
    field: FloatArray,
    extend: bool,
    outside: float,
) -> tuple[FloatArray, FloatArray]:
    """Cube of ``size`` ^3 voxels sampled from ``hu`` at ``affine @ (k, j, i) + offset + field``, all in source voxels.

    ``field`` (n, n, n, 3) is interpolated over the cube. With ``extend`` the first and last slice continue along k.
    Returns the cube and the share of it that the CT covers along k (1 or 0), float32.
    """
    cube = np.empty((size, size, size), np.float32)
    covered = np.empty((size, size, size), np.float32)
    scale = (field.shape[0] - 1) / (size - 1)
    last = hu.shape[0] - 1
    point = np.empty(3)
    for k in range(size):
        for j in range(size):
            for i in range(size):
                for axis in range(3):
                    shift = _trilinear(field[..., axis], k * scale, j * scale, i * scale, 0.0)
                    point[axis] = affine[axis, 0] * k + affine[axis, 1] * j + affine[axis, 2] * i
                    point[axis] += offset[axis] + shift
                inside = 0 <= point[0] <= last
                if extend:
                    point[0] = min(max(point[0], 0.0), float(last))
                cube[k, j, i] = _trilinear(hu, point[0], point[1], point[2], outside)
                covered[k, j, i] = 1.0 if inside else 0.0
    return cube, covered
