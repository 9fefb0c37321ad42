"""A volume averaged over whole blocks of its voxels, and back on its own grid: resampling for the price of a sum."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from XRayLib.ct.volume import Volume


def in_blocks(ijk_to_ras: NDArray[np.float64], factors: ArrayLike) -> NDArray[np.float64]:
    """(4, 4) pose of voxels that are ``factors`` (one, or three along i, j, k) times as large, over the same region."""
    scale = np.diag([*np.broadcast_to(np.asarray(factors, float), 3), 1.0])
    scale[:3, 3] = (np.asarray(factors, float) - 1) / 2
    return ijk_to_ras @ scale


def block_mean(volume: Volume, spacing_mm: float) -> Volume:
    """The volume averaged over blocks of voxels, as near to ``spacing_mm`` along each axis as whole blocks allow.

    The axes stay; what a block holds beyond the volume's end repeats its last plane.
    """
    voxels, factors = volume.voxels, np.ones(3)
    for axis, spacing in enumerate(volume.spacing_mm[::-1]):
        size = voxels.shape[axis]
        block = min(max(1, round(spacing_mm / spacing)), size)
        if block == 1:
            continue
        missing = -size % block
        if missing:
            last = np.take(voxels, [size - 1], axis=axis)
            voxels = np.concatenate([voxels, np.repeat(last, missing, axis=axis)], axis=axis)
        shape = (*voxels.shape[:axis], -1, block, *voxels.shape[axis + 1 :])
        voxels = voxels.reshape(shape).mean(axis=axis + 1, dtype=np.float32)
        factors[2 - axis] = block
    return Volume(np.ascontiguousarray(voxels), in_blocks(volume.ijk_to_ras, factors), volume.quantity)


def interpolated_from_blocks(blocks: NDArray[np.float32], like: Volume, spacing_mm: float) -> NDArray[np.float32]:
    """Values of the blocks of ``block_mean(like, spacing_mm)`` on the grid of ``like``, linear between middles."""
    import cv2

    shape = like.voxels.shape
    block = [min(max(1, round(spacing_mm / s)), n) for s, n in zip(like.spacing_mm[::-1], shape, strict=True)]
    whole = [n * size for n, size in zip(blocks.shape, block, strict=True)]
    planes = np.stack([cv2.resize(plane, (whole[2], whole[1]))[: shape[1], : shape[2]] for plane in blocks])
    if block[0] == 1:
        return planes[: shape[0]]
    rows = planes.reshape(len(planes), -1)
    at = np.clip((np.arange(shape[0]) + 0.5) / block[0] - 0.5, 0, len(planes) - 1)
    low = np.minimum(at.astype(int), max(len(planes) - 2, 0))
    share = (at - low).astype(np.float32)[:, None]
    high = np.minimum(low + 1, len(planes) - 1)
    return (rows[low] * (1 - share) + rows[high] * share).reshape(shape)
