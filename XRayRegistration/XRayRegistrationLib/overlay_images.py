"""A re-projection compared with its film, as pictures: brought to the film's grey levels, checkerboard, difference."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]

CHECKERBOARD_FIELDS = 8
"""Fields along the longest side."""


def fitted_to_film(reprojection: Image, film: Image, mask: NDArray[np.bool_] | None = None) -> Image:
    """gain * reprojection + offset, nearest to the film in least squares under the mask; never a negative gain."""
    use = np.ones(film.shape, bool) if mask is None else mask
    source, target = reprojection[use].astype(np.float64), film[use].astype(np.float64)
    if source.size < 2 or source.std() < 1e-9:
        return np.full_like(reprojection, target.mean() if target.size else 0.0)
    covariance = ((source - source.mean()) * (target - target.mean())).mean()
    gain = max(covariance / source.var(), 0.0) or target.std() / source.std()
    return (gain * (reprojection - source.mean()) + target.mean()).astype(np.float32)


def checkerboard(film: Image, fitted: Image) -> Image:
    """Fields of the film and of the fitted re-projection in turn; both (rows, columns)."""
    field = max(1, -(-max(film.shape) // CHECKERBOARD_FIELDS))
    rows, columns = np.indices(film.shape) // field
    return np.where((rows + columns) % 2 == 0, film, fitted)


def difference(film: Image, fitted: Image, mask: NDArray[np.bool_] | None = None) -> Image:
    """Film minus fitted re-projection, zero outside the mask."""
    image = film - fitted
    return image if mask is None else np.where(mask, image, 0).astype(np.float32)


def edge_field(image: Image, width_px: float = 1.5) -> tuple[Image, Image]:
    """What contours are drawn from: an image that is zero on edges, and the strength of the edge there.

    Laplacian of Gaussian and gradient magnitude at the same scale (Marr and Hildreth 1980).
    """
    from scipy.ndimage import gaussian_gradient_magnitude, gaussian_laplace

    image = np.asarray(image, np.float32)
    return gaussian_laplace(image, width_px), gaussian_gradient_magnitude(image, width_px)


def edge_threshold(strength: Image, kept_fraction: float = 0.08) -> float:
    """The strength that only the strongest ``kept_fraction`` of the pixels reach."""
    return float(np.quantile(strength, 1 - kept_fraction))
