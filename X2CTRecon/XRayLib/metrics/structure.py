"""Structural similarity (Wang et al., IEEE TIP 13(4), 2004) with a uniform window of 7, as scikit-image defines it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from XRayLib.errors import InputError
from XRayLib.metrics.intensity import HU_RANGE, clip_hu

WINDOW = 7


def ssim_3d(reference: NDArray[np.floating], result: NDArray[np.floating]) -> float:
    """SSIM of two volumes in HU over 7 x 7 x 7 windows, data range 2500 HU."""
    return mean_ssim(clip_hu(reference), clip_hu(result), HU_RANGE[1] - HU_RANGE[0], axes=(0, 1, 2))


def mean_ssim(
    first: NDArray[np.floating], second: NDArray[np.floating], data_range: float, axes: tuple[int, ...]
) -> float:
    """Mean SSIM with windows along ``axes``; the other axes are channels, averaged.

    Raises InputError when the volume is thinner than the window.
    """
    if min(first.shape[axis] for axis in axes) < WINDOW:
        raise InputError(f"SSIM needs at least {WINDOW} voxels along every axis.")
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    count = WINDOW ** len(axes)
    unbiased = count / (count - 1)
    mean_first, mean_second = _window_mean(first, axes), _window_mean(second, axes)
    variance_first = unbiased * (_window_mean(first * first, axes) - mean_first**2)
    variance_second = unbiased * (_window_mean(second * second, axes) - mean_second**2)
    covariance = unbiased * (_window_mean(first * second, axes) - mean_first * mean_second)
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    similarity = ((2 * mean_first * mean_second + c1) * (2 * covariance + c2)) / (
        (mean_first**2 + mean_second**2 + c1) * (variance_first + variance_second + c2)
    )
    inside = [slice(None)] * first.ndim
    for axis in axes:
        inside[axis] = slice(WINDOW // 2, -(WINDOW // 2))
    return float(similarity[tuple(inside)].mean())


def _window_mean(image: NDArray[np.float64], axes: tuple[int, ...]) -> NDArray[np.float64]:
    from scipy.ndimage import uniform_filter

    size = [WINDOW if axis in axes else 1 for axis in range(image.ndim)]
    return uniform_filter(image, size=size, mode="reflect")
