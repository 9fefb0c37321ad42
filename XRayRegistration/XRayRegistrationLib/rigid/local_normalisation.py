"""Images normalised to the mean and contrast of their neighbourhood, and what pose changes do to them.

The squared difference of two locally normalised images is, up to a constant, their patch-wise normalised
cross-correlation (mNCC of Gopalakrishnan et al., xvr, 2025): blind to gain, offset, scatter and slow shading. Written
as a residual it has a Gauss-Newton step.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]

CONTRAST_FLOOR = 0.1
"""Neighbourhoods with less contrast than this share of the whole image's count less: they hold noise only."""

SMALLEST_SUPPORT = 0.15
"""Share of a neighbourhood that must be valid for its mean and contrast to mean anything."""


class LocalNormaliser:
    """Masked box statistics of one image grid.

    Parameters
    ----------
    mask : (rows, columns) bool
        Pixels that count.
    window_px : odd side of the square neighbourhood
    """

    def __init__(self, mask: NDArray[np.bool_], window_px: int) -> None:
        self._window = (window_px, window_px)
        self._mask = mask.astype(np.float32)
        support = self._sum(self._mask)
        self.valid = mask & (support > SMALLEST_SUPPORT)
        self._inverse_support = 1.0 / np.maximum(support, 1e-6)

    def _sum(self, image: Image) -> Image:
        import cv2

        return cv2.blur(image, self._window, borderType=cv2.BORDER_CONSTANT)

    def _mean(self, image: Image) -> Image:
        return self._sum(image * self._mask) * self._inverse_support

    def floor(self, image: Image) -> float:
        """The contrast, as a variance, below which a neighbourhood counts less."""
        inside = image[self._mask > 0]
        return float((CONTRAST_FLOOR * inside.std()) ** 2 + 1e-12) if inside.size else 1.0

    def normalise(self, image: Image, floor: float) -> Image:
        """(rows, columns) image less its local mean, over its local standard deviation; 0 where invalid."""
        mean = self._mean(image)
        variance = np.maximum(self._mean(image * image) - mean * mean, 0)
        return np.where(self.valid, (image - mean) / np.sqrt(variance + floor), 0)

    def normalise_with_jacobian(self, image: Image, jacobian: Image, floor: float) -> tuple[Image, Image]:
        """The normalised image and its derivatives (parameters, rows, columns)."""
        mean = self._mean(image)
        variance = np.maximum(self._mean(image * image) - mean * mean, 0)
        inverse = np.where(self.valid, 1 / np.sqrt(variance + floor), 0).astype(np.float32)
        normalised = (image - mean) * inverse
        derivative = np.empty_like(jacobian)
        for n, change in enumerate(jacobian):
            mean_change = self._mean(change)
            contrast_change = (self._mean(image * change) - mean * mean_change) * inverse
            derivative[n] = (change - mean_change - normalised * contrast_change) * inverse
        return normalised, derivative
