"""How line integrals change with many displacement fields at once.

A ray gathers the attenuation's gradient into the nodes of the fields' grid, weighted as the fields are interpolated
there; the change by each field is then a scalar product with what the ray has gathered. That costs one pass over the
volume however many fields there are.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray
from XRayLib.geometry import XRayGeometry
from XRayLib.motion import DisplacementField
from XRayLib.motion.sampling import split, transformed, vector_at

Array = NDArray[np.float32]
Matrix = NDArray[np.float64]


def projected_changes(
    gradients: Array,
    ijk_to_ras: Matrix,
    fields: list[DisplacementField],
    geometry: XRayGeometry,
    mask: NDArray[np.bool_],
) -> Array:
    """(fields, rows, columns): by how much each field, added to the displacement, changes the line integrals.

    Parameters
    ----------
    gradients : (k, j, i, 3) of the attenuation per mm along R, A and S, on the grid of ``ijk_to_ras``, where it is now.
    fields : on any grids; those that share one are treated together.
    geometry : in the same RAS.
    mask : (rows, columns) pixels that are wanted; others are 0.
    """
    result = np.zeros((len(fields), *mask.shape), np.float32)
    rays = np.linalg.inv(geometry.ras_to_pixel[:, :3])
    step_mm = float(np.linalg.norm(ijk_to_ras[:3, :3], axis=0).min())
    to_ijk = np.linalg.inv(ijk_to_ras)
    for numbers in _sharing_a_grid(fields):
        first = fields[numbers[0]]
        nodes = np.ascontiguousarray(np.stack([fields[n].vectors_mm for n in numbers], axis=-1))
        found = np.zeros((*mask.shape, len(numbers)), np.float32)
        _gather(
            gradients, to_ijk, nodes, first.ras_to_ijk, geometry.source_ras_mm.astype(float), rays, step_mm, mask, found
        )
        result[numbers] = np.moveaxis(found, -1, 0)
    return result


def _sharing_a_grid(fields: list[DisplacementField]) -> list[list[int]]:
    groups: dict[tuple, list[int]] = {}
    for number, field in enumerate(fields):
        groups.setdefault((field.vectors_mm.shape, field.ijk_to_ras.tobytes()), []).append(number)
    return list(groups.values())


@njit(nogil=True, cache=True)
def _gather(gradients, to_ijk, nodes, to_node, source, rays, step_mm, mask, found):
    """Fill ``found`` (rows, columns, fields) for ``nodes`` (k, j, i, 3, fields)."""
    size_k, size_j, size_i = gradients.shape[:3]
    nodes_k, nodes_j, nodes_i = nodes.shape[:3]
    gathered = np.zeros((nodes_k, nodes_j, nodes_i, 3), np.float32)
    touched = np.empty((nodes_k * nodes_j * nodes_i, 3), np.int32)
    is_touched = np.zeros((nodes_k, nodes_j, nodes_i), np.bool_)
    sizes = np.array([size_i, size_j, size_k], np.float64)
    turn = np.ascontiguousarray(to_ijk[:3, :3])
    begin = turn @ source + to_ijk[:3, 3]
    for row in range(mask.shape[0]):
        for column in range(mask.shape[1]):
            if not mask[row, column]:
                continue
            way = rays[:, 0] * column + rays[:, 1] * row + rays[:, 2]
            way = way / np.sqrt((way * way).sum())
            way_ijk = turn @ way
            near, far = 0.0, 1e9
            for axis in range(3):
                pace = way_ijk[axis] if abs(way_ijk[axis]) > 1e-12 else 1e-12
                one, other = -begin[axis] / pace, (sizes[axis] - 1 - begin[axis]) / pace
                near, far = max(near, min(one, other)), min(far, max(one, other))
            if near >= far:
                continue
            count = 0
            for n in range(int((far - near) / step_mm)):
                t = near + (n + 0.5) * step_mm
                x, y, z = begin[0] + t * way_ijk[0], begin[1] + t * way_ijk[1], begin[2] + t * way_ijk[2]
                g0, g1, g2 = vector_at(gradients, x, y, z)
                if g0 == 0 and g1 == 0 and g2 == 0:
                    continue
                p = source + t * way
                x, y, z = transformed(to_node, p[0], p[1], p[2])
                a, u = split(x, nodes_i)
                b, v = split(y, nodes_j)
                c, w = split(z, nodes_k)
                for corner in range(8):
                    di, dj, dk = corner & 1, (corner >> 1) & 1, corner >> 2
                    share = (u if di else 1 - u) * (v if dj else 1 - v) * (w if dk else 1 - w) * step_mm
                    if not is_touched[c + dk, b + dj, a + di]:
                        is_touched[c + dk, b + dj, a + di] = True
                        touched[count, 0], touched[count, 1], touched[count, 2] = c + dk, b + dj, a + di
                        count += 1
                    gathered[c + dk, b + dj, a + di, 0] += share * g0
                    gathered[c + dk, b + dj, a + di, 1] += share * g1
                    gathered[c + dk, b + dj, a + di, 2] += share * g2
            for n in range(count):
                k, j, i = touched[n]
                is_touched[k, j, i] = False
                for axis in range(3):
                    amount = gathered[k, j, i, axis]
                    gathered[k, j, i, axis] = 0
                    for field in range(nodes.shape[4]):
                        found[row, column, field] += amount * nodes[k, j, i, axis, field]
