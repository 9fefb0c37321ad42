"""The metrics of the published X2CT-GAN evaluation, defects included, to compare with numbers in papers.

They flatter: the peak is 4095 although the range is 2500 (+4.29 dB), PSNR is averaged over slices, and identical slices
(padded air) count 100 dB. Use ``psnr_3d`` and ``ssim_3d`` to judge.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from XRayLib.metrics.intensity import HU_RANGE, clip_hu
from XRayLib.metrics.structure import mean_ssim

PEAK = 4095.0
IDENTICAL_SLICES_DB = 100.0


def legacy_psnr(reference: NDArray[np.floating], result: NDArray[np.floating]) -> float:
    """Mean over the three axes of the mean over slices of 10 log10(4095^2 / MSE), dB."""
    squared = (clip_hu(reference).astype(np.float64) - clip_hu(result)) ** 2
    per_axis = []
    for axis in range(3):
        error = squared.mean(axis=tuple(other for other in range(3) if other != axis))
        with np.errstate(divide="ignore"):
            decibels = 10 * np.log10(PEAK**2 / error)
        per_axis.append(np.where(error == 0, IDENTICAL_SLICES_DB, decibels).mean())
    return float(np.mean(per_axis))


def legacy_ssim(reference: NDArray[np.floating], result: NDArray[np.floating]) -> float:
    """Mean over the three axes of the slices' 2-D SSIM on values scaled to [0, 1], data range 1."""
    width = HU_RANGE[1] - HU_RANGE[0]
    first, second = ((clip_hu(voxels) - HU_RANGE[0]) / width for voxels in (reference, result))
    planes = ((1, 2), (0, 2), (0, 1))
    return float(np.mean([mean_ssim(first, second, 1.0, axes) for axes in planes]))
