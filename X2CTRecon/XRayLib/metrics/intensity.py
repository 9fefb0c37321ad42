"""How close the voxel values are. Volumes in HU on one grid, (k, j, i); values are clipped to the range first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

HU_RANGE = (-1024.0, 1476.0)
"""The 2500 HU window of the X2CT-GAN family (Ying et al., CVPR 2019)."""

Array = NDArray[np.floating]


def clip_hu(voxels: Array) -> NDArray[np.float32]:
    """The values inside HU_RANGE, float32."""
    return np.clip(np.asarray(voxels, np.float32), *HU_RANGE)


def psnr_3d(reference: Array, result: Array) -> float:
    """10 log10(2500^2 / MSE) over all voxels, in dB; infinity for equal volumes.

    One mean over the whole volume and the true range, unlike ``legacy_psnr``.
    """
    error = np.mean((clip_hu(reference) - clip_hu(result)) ** 2, dtype=np.float64)
    return float("inf") if error == 0 else float(10 * np.log10((HU_RANGE[1] - HU_RANGE[0]) ** 2 / error))


def mean_absolute_error(reference: Array, result: Array, mask: NDArray[np.bool_] | None = None) -> float:
    """Mean |difference| in HU under the mask; not a number when the mask is empty."""
    difference = np.abs(clip_hu(reference) - clip_hu(result))
    if mask is not None:
        difference = difference[mask]
    return float(np.mean(difference, dtype=np.float64)) if difference.size else float("nan")
