"""How uncertain a pose is, direction by direction, from the films themselves.

Residuals of neighbouring pixels are not independent (scatter, anatomy that differs), so the plain inverse of J^T W J is
far too sure of itself. The sandwich estimate takes the scatter of whole tiles' gradients instead of single pixels'
(cluster-robust covariance: K.-Y. Liang and S. L. Zeger, Biometrika 73(1), 1986).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

TILE_PX = 12
WEAKEST = 1e-9
"""Relative curvature below which a direction counts as not seen at all."""

UNSEEN_MM = 1000.0


def tile_gradients(weighted: NDArray[np.float32], residual: NDArray[np.float32], valid: NDArray[np.bool_]) -> Matrix:
    """(tiles, 6) gradients summed over square tiles; ``weighted`` (6, valid pixels) is weight times derivative."""
    rows, columns = np.nonzero(valid)
    across = -(-valid.shape[1] // TILE_PX)
    tile = rows // TILE_PX * across + columns // TILE_PX
    return np.stack([np.bincount(tile, weights=each * residual) for each in weighted], axis=1)


def twist_covariance(hessian: Matrix, gradients: Sequence[Matrix]) -> Matrix:
    """(6, 6) covariance of the twist (rad, mm) from the summed J^T W J and the tiles' gradients of all views."""
    scale = 1 / np.sqrt(np.maximum(np.diag(hessian), 1e-30))
    curvature, axes = np.linalg.eigh(hessian * np.outer(scale, scale))
    seen = curvature > WEAKEST * curvature.max()
    inverse = axes[:, seen] / curvature[seen] @ axes[:, seen].T * np.outer(scale, scale)
    tiles = np.concatenate(gradients)
    used = tiles[np.abs(tiles).sum(axis=1) > 0]
    correction = len(used) / max(len(used) - 6, 1)
    covariance = correction * inverse @ (used.T @ used) @ inverse
    unseen = axes[:, ~seen] * (scale[:, None] * UNSEEN_MM)
    return covariance + unseen @ unseen.T


def world_covariance(twist_covariance: Matrix, ct_to_world: Matrix) -> Matrix:
    """(6, 6) translation (mm) then rotation (rad) in the world, from a twist (rotation, translation) in the CT's frame.

    The twist is about the CT's middle, so both only turn with the pose.
    """
    turn = np.zeros((6, 6))
    turn[:3, 3:] = turn[3:, :3] = ct_to_world[:3, :3]
    return turn @ twist_covariance @ turn.T
