"""Compiled loops over volumes and fields of vectors: sampling, warping, inverting.

Indices are (i, j, k) in voxels; ``ras_to_ijk`` and ``ijk_to_ras`` are (4, 4). A field is extended beyond its outermost
voxel centres by their values.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

TINY = 1e-6
NEWTON_STEPS = 40
STAGES = (1, 4, 16, 7, 61)
"""Tried in turn: on another way Newton's method does not stop at the same edge between voxels."""
NEWTON_END_MM = 1e-5
AIR_HU, LUNG_HU, SOFT_HU = -995.0, -400.0, -150.0
LEAST_SQUEEZE, MOST_SQUEEZE = 0.3, 3.0
"""Limits of the change of density; beyond lie only voxels that span a sliding wall."""


@njit(nogil=True, cache=True)
def split(x, size):  # numba infers the types
    """The cell that holds x, clamped to the grid, and the share of its upper end."""
    if x <= 0.0:
        return 0, 0.0
    if x >= size - 1:
        return max(size - 2, 0), float(min(size - 1, 1))
    low = int(x)
    return low, x - low


@njit(nogil=True, cache=True)
def _scalar_at(voxels, i, j, k):
    i0, u = split(i, voxels.shape[2])
    j0, v = split(j, voxels.shape[1])
    k0, w = split(k, voxels.shape[0])
    i1, j1, k1 = i0 + (u > 0), j0 + (v > 0), k0 + (w > 0)
    low = (1 - v) * ((1 - u) * voxels[k0, j0, i0] + u * voxels[k0, j0, i1])
    low += v * ((1 - u) * voxels[k0, j1, i0] + u * voxels[k0, j1, i1])
    high = (1 - v) * ((1 - u) * voxels[k1, j0, i0] + u * voxels[k1, j0, i1])
    high += v * ((1 - u) * voxels[k1, j1, i0] + u * voxels[k1, j1, i1])
    return (1 - w) * low + w * high


@njit(nogil=True, cache=True)
def vector_at(vectors, i, j, k):
    """Linear between the voxels of ``vectors`` (k, j, i, 3)."""
    i0, u = split(i, vectors.shape[2])
    j0, v = split(j, vectors.shape[1])
    k0, w = split(k, vectors.shape[0])
    x, y, z = 0.0, 0.0, 0.0
    for dk in range(2):
        wk = w if dk else 1 - w
        if wk == 0:
            continue
        for dj in range(2):
            wj = wk * (v if dj else 1 - v)
            if wj == 0:
                continue
            for di in range(2):
                weight = wj * (u if di else 1 - u)
                if weight == 0:
                    continue
                vector = vectors[k0 + dk, j0 + dj, i0 + di]
                x += weight * vector[0]
                y += weight * vector[1]
                z += weight * vector[2]
    return x, y, z


@njit(nogil=True, cache=True)
def transformed(matrix, x, y, z):
    """A point after a (4, 4) matrix."""
    return (
        matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] * z + matrix[0, 3],
        matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] * z + matrix[1, 3],
        matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2] * z + matrix[2, 3],
    )


@njit(nogil=True, cache=True)
def _outside(x, size):
    return x < -TINY or x > size - 1 + TINY


@njit(nogil=True, cache=True)
def vectors_at(vectors, ras_to_ijk, points, extend):
    """Linear interpolation at points (N, 3); beyond the grid the nearest value, or NaN unless ``extend``."""
    found = np.empty((len(points), 3))
    for n in range(len(points)):
        i, j, k = transformed(ras_to_ijk, points[n, 0], points[n, 1], points[n, 2])
        beyond = _outside(i, vectors.shape[2]) or _outside(j, vectors.shape[1]) or _outside(k, vectors.shape[0])
        if beyond and not extend:
            found[n] = np.nan
        else:
            found[n, 0], found[n, 1], found[n, 2] = vector_at(vectors, i, j, k)
    return found


@njit(nogil=True, cache=True)
def keep_lung_mass(hu, vectors, ras_to_ijk):
    """Scale the density of lung in a warped CT (in place) by how much it is squeezed: density_now = density_ct det J.

    Lung is what lies between air and soft tissue; the rule fades out from -400 to -150 HU.
    """
    for k in range(hu.shape[0]):
        for j in range(hu.shape[1]):
            for i in range(hu.shape[2]):
                value = hu[k, j, i]
                if value <= AIR_HU or value >= SOFT_HU:
                    continue
                share = min(1.0, (SOFT_HU - value) / (SOFT_HU - LUNG_HU))
                squeezed = min(max(_determinant_at(vectors, ras_to_ijk, k, j, i), LEAST_SQUEEZE), MOST_SQUEEZE)
                hu[k, j, i] = (value + 1000.0) * (1.0 + share * (squeezed - 1.0)) - 1000.0


@njit(nogil=True, cache=True)
def warped(voxels, ras_to_ijk, vectors, ijk_to_ras, nearest, extend, outside):
    """``voxels`` sampled at p + u(p) for every voxel p of the field, (k, j, i) float32."""
    depth, rows, columns = vectors.shape[0], vectors.shape[1], vectors.shape[2]
    size_k, size_j, size_i = voxels.shape
    to_voxel = ras_to_ijk @ ijk_to_ras
    result = np.empty((depth, rows, columns), np.float32)
    m = ras_to_ijk
    for k in range(depth):
        for j in range(rows):
            for i in range(columns):
                x, y, z = vectors[k, j, i, 0], vectors[k, j, i, 1], vectors[k, j, i, 2]
                a, b, c = transformed(to_voxel, i, j, k)
                a += m[0, 0] * x + m[0, 1] * y + m[0, 2] * z
                b += m[1, 0] * x + m[1, 1] * y + m[1, 2] * z
                c += m[2, 0] * x + m[2, 1] * y + m[2, 2] * z
                if not extend and (_outside(a, size_i) or _outside(b, size_j) or _outside(c, size_k)):
                    result[k, j, i] = outside
                elif nearest:
                    a = min(max(a, 0.0), size_i - 1.0)
                    b = min(max(b, 0.0), size_j - 1.0)
                    c = min(max(c, 0.0), size_k - 1.0)
                    result[k, j, i] = voxels[int(c + 0.5), int(b + 0.5), int(a + 0.5)]
                else:
                    result[k, j, i] = _scalar_at(voxels, a, b, c)
    return result


@njit(nogil=True, cache=True)
def resampled(vectors, ras_to_ijk, shape, ijk_to_ras):
    """The field on another grid of ``shape`` (k, j, i), float32."""
    to_voxel = ras_to_ijk @ ijk_to_ras
    result = np.empty((shape[0], shape[1], shape[2], 3), np.float32)
    for k in range(shape[0]):
        for j in range(shape[1]):
            for i in range(shape[2]):
                a, b, c = transformed(to_voxel, i, j, k)
                result[k, j, i, 0], result[k, j, i, 1], result[k, j, i, 2] = vector_at(vectors, a, b, c)
    return result


@njit(nogil=True, cache=True)
def solved(vectors, ras_to_ijk, targets):
    """The points p (N, 3) with p + u(p) = target, and what is left of the difference (N,), mm.

    Where Newton's method does not get there at once, u is turned on step by step.
    """
    points, left = np.empty_like(targets), np.empty(len(targets))
    for n in range(len(targets)):
        left[n] = np.inf
        for stages in STAGES:
            spot = targets[n].copy()
            for stage in range(1, stages + 1):
                rest = _newton(vectors, ras_to_ijk, spot, targets[n], stage / stages)
            if rest < left[n]:
                left[n] = rest
                points[n] = spot
            if rest < NEWTON_END_MM:
                break
    return points, left


@njit(nogil=True, cache=True)
def _newton(vectors, ras_to_ijk, spot, target, share):
    """Improve ``spot`` (in place) towards p + share * u(p) = target; returns what is left, mm.

    Newton's method on the piecewise linear field, halving a step that does not come nearer.
    """
    x, y, z = spot[0], spot[1], spot[2]
    rx, ry, rz = _difference(vectors, ras_to_ijk, x, y, z, target, share)
    size = math.sqrt(rx * rx + ry * ry + rz * rz)
    for _ in range(NEWTON_STEPS):
        if size < NEWTON_END_MM:
            break
        dx, dy, dz = _newton_step(vectors, ras_to_ijk, x, y, z, rx, ry, rz, share)
        length = 1.0
        while True:
            tx, ty, tz = x - length * dx, y - length * dy, z - length * dz
            qx, qy, qz = _difference(vectors, ras_to_ijk, tx, ty, tz, target, share)
            new = math.sqrt(qx * qx + qy * qy + qz * qz)
            if new < size or length < 0.02:
                break
            length *= 0.5
        x, y, z, rx, ry, rz, size = tx, ty, tz, qx, qy, qz, new
    spot[0], spot[1], spot[2] = x, y, z
    return size


@njit(nogil=True, cache=True)
def _difference(vectors, ras_to_ijk, x, y, z, target, share):
    i, j, k = transformed(ras_to_ijk, x, y, z)
    u, v, w = vector_at(vectors, i, j, k)
    return x + share * u - target[0], y + share * v - target[1], z + share * w - target[2]


@njit(nogil=True, cache=True)
def _newton_step(vectors, ras_to_ijk, x, y, z, rx, ry, rz, share):
    """(I + share * du/dp)^-1 r; r itself where that folds."""
    jacobian = np.eye(3)
    i, j, k = transformed(ras_to_ijk, x, y, z)
    spot = (i, j, k)
    sizes = (vectors.shape[2], vectors.shape[1], vectors.shape[0])
    for axis in range(3):
        low, _ = split(spot[axis], sizes[axis])
        if _outside(spot[axis], sizes[axis]) or sizes[axis] < 2:
            continue
        a = vector_at(vectors, low if axis == 0 else i, low if axis == 1 else j, low if axis == 2 else k)
        b = vector_at(
            vectors, low + 1.0 if axis == 0 else i, low + 1.0 if axis == 1 else j, low + 1.0 if axis == 2 else k
        )
        for row in range(3):
            for column in range(3):
                jacobian[row, column] += share * (b[row] - a[row]) * ras_to_ijk[axis, column]
    if np.linalg.det(jacobian) < 1e-3:
        return rx, ry, rz
    step = np.linalg.solve(jacobian, np.array([rx, ry, rz]))
    return step[0], step[1], step[2]


@njit(nogil=True, cache=True)
def determinants(vectors, ras_to_ijk):
    """det d(p + u)/dp at every voxel, (k, j, i) float32: central differences, one-sided at the border."""
    result = np.empty(vectors.shape[:3], np.float32)
    for k in range(vectors.shape[0]):
        for j in range(vectors.shape[1]):
            for i in range(vectors.shape[2]):
                result[k, j, i] = _determinant_at(vectors, ras_to_ijk, k, j, i)
    return result


@njit(nogil=True, cache=True)
def _determinant_at(vectors, ras_to_ijk, k, j, i):
    depth, rows, columns = vectors.shape[0], vectors.shape[1], vectors.shape[2]
    k0, k1 = max(k - 1, 0), min(k + 1, depth - 1)
    j0, j1 = max(j - 1, 0), min(j + 1, rows - 1)
    i0, i1 = max(i - 1, 0), min(i + 1, columns - 1)
    low, high = vectors[k, j, i0], vectors[k, j, i1]
    a = (high[0] - low[0]) / (i1 - i0), (high[1] - low[1]) / (i1 - i0), (high[2] - low[2]) / (i1 - i0)
    low, high = vectors[k, j0, i], vectors[k, j1, i]
    b = (high[0] - low[0]) / (j1 - j0), (high[1] - low[1]) / (j1 - j0), (high[2] - low[2]) / (j1 - j0)
    low, high = vectors[k0, j, i], vectors[k1, j, i]
    c = (high[0] - low[0]) / (k1 - k0), (high[1] - low[1]) / (k1 - k0), (high[2] - low[2]) / (k1 - k0)
    return _determinant(a, b, c, ras_to_ijk)


@njit(nogil=True, cache=True)
def _determinant(by_i, by_j, by_k, m):
    """det(I + du/dp) from the derivatives of u along the indices."""
    a = 1 + by_i[0] * m[0, 0] + by_j[0] * m[1, 0] + by_k[0] * m[2, 0]
    b = by_i[0] * m[0, 1] + by_j[0] * m[1, 1] + by_k[0] * m[2, 1]
    c = by_i[0] * m[0, 2] + by_j[0] * m[1, 2] + by_k[0] * m[2, 2]
    d = by_i[1] * m[0, 0] + by_j[1] * m[1, 0] + by_k[1] * m[2, 0]
    e = 1 + by_i[1] * m[0, 1] + by_j[1] * m[1, 1] + by_k[1] * m[2, 1]
    f = by_i[1] * m[0, 2] + by_j[1] * m[1, 2] + by_k[1] * m[2, 2]
    g = by_i[2] * m[0, 0] + by_j[2] * m[1, 0] + by_k[2] * m[2, 0]
    h = by_i[2] * m[0, 1] + by_j[2] * m[1, 1] + by_k[2] * m[2, 1]
    n = 1 + by_i[2] * m[0, 2] + by_j[2] * m[1, 2] + by_k[2] * m[2, 2]
    return a * (e * n - f * h) - b * (d * n - f * g) + c * (d * h - e * g)
