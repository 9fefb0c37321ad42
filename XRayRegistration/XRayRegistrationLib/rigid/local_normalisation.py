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
"""Neighbourhoods with less contrast than this share of the median one's are not blown up to full contrast."""

TINY = 1e-12
AIR_CONTRAST = 1e-4
"""Neighbourhoods with less than this share of the largest variance are empty."""

SUBSAMPLE = 4
"""Every so many pixels enter a median."""

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

    def _detail(self, image: Image) -> Image:
        """The image less its local mean; 0 where masked."""
        return (image - self._mean(image)) * self._mask

    def _variance(self, detail: Image) -> Image:
        """Of what stands out from the local mean: a slope of the shading, as scatter makes it, is no contrast."""
        return self._mean(detail * detail)

    def floor(self, image: Image) -> float:
        """The contrast, as a variance, below which a neighbourhood is not brought to full contrast; 0: no contrast."""
        contrasts = self._variance(self._detail(image))[self.valid][::SUBSAMPLE]
        if not contrasts.size or contrasts.max() <= 0:
            return 0.0
        # Air around the patient has no contrast at all and may fill most of a film.
        return CONTRAST_FLOOR**2 * float(np.median(contrasts[contrasts > AIR_CONTRAST * contrasts.max()]))

    def signal_share(self, image: Image) -> Image:
        """(rows, columns) share, 0 to 1, of the local contrast that is not noise.

        Noise from second differences across both axes, to which smooth structure gives nothing (J. Immerkaer, Computer
        Vision and Image Understanding 64(2), 1996), here neighbourhood by neighbourhood: thick parts are noisier.
        """
        import cv2

        kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32) / 6
        inner = cv2.erode(self._mask, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0)
        response = cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REPLICATE) * inner
        noise = self._sum(response * response) / np.maximum(self._sum(inner), 1e-6)
        variance = self._variance(self._detail(image))
        return np.where(self.valid, np.clip(1 - noise / np.maximum(variance, 1e-12), 0, 1), 0).astype(np.float32)

    def normalise(self, image: Image, floor: float) -> Image:
        """(rows, columns) image less its local mean, over its local standard deviation; 0 where invalid."""
        detail = self._detail(image)
        return np.where(self.valid, detail / np.sqrt(self._variance(detail) + floor + TINY), 0)

    def normalise_with_jacobian(self, image: Image, jacobian: Image, floor: float) -> tuple[Image, Image]:
        """The normalised image and its derivatives (parameters, rows, columns)."""
        detail = self._detail(image)
        inverse = np.where(self.valid, 1 / np.sqrt(self._variance(detail) + floor + TINY), 0).astype(np.float32)
        normalised = detail * inverse
        derivative = np.empty_like(jacobian)
        for n, change in enumerate(jacobian):
            detail_change = self._detail(change)
            contrast_change = self._mean(detail * detail_change) * inverse
            derivative[n] = (detail_change - normalised * contrast_change) * inverse
        return normalised, derivative
