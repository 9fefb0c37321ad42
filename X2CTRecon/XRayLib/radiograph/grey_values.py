"""Colour images that are really grey: films photographed, scanned or exported as RGB."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from XRayLib.errors import InputError

CHANNEL_NOISE = 0.06
"""Deviation of a channel from a tint of the grey value, of the range, that JPEG compression causes."""
LARGEST_COLOURED_PART = 0.03
"""Coloured annotations may cover this part of a film."""
TINT_DEGREE = 3


def grey_values(image: NDArray[np.generic], name: str) -> tuple[NDArray[np.generic], NDArray[np.bool_] | None]:
    """Grey values of an image with 1 to 4 channels.

    A film base or a light box tints all greys alike: each channel is then a smooth function of the grey value. Where
    it is not, the pixel is coloured.

    Parameters
    ----------
    image : (rows, columns) or (rows, columns, channels); a second or fourth channel is opacity
    name : str

    Returns
    -------
    grey : (rows, columns)
    field : (rows, columns) bool or None
        False where transparent or coloured (annotations); None when nowhere.

    Raises
    ------
    InputError
        When the image is truly coloured.
    """
    if image.ndim == 2:
        return image, None
    if image.ndim != 3 or not 1 <= image.shape[2] <= 4:
        raise InputError(f"{name} is not one two-dimensional image: choose a single frame.")
    channels = image.shape[2]
    opaque = image[..., -1] > 0 if channels in (2, 4) else None
    if opaque is not None and opaque.all():
        opaque = None
    if channels < 3:
        return np.ascontiguousarray(image[..., 0]), opaque
    colours = image[..., :3]
    if (colours[..., 0] == colours[..., 1]).all() and (colours[..., 1] == colours[..., 2]).all():
        return np.ascontiguousarray(colours[..., 0]), opaque
    grey = np.dot(colours.astype(np.float32), np.float32([0.299, 0.587, 0.114]))
    coloured = _coloured(colours, grey)
    if coloured.mean() > LARGEST_COLOURED_PART:
        raise InputError(f"{name} is a colour picture, not a radiograph: choose a grey-value image.")
    if not coloured.any():
        return grey, opaque
    return grey, ~coloured if opaque is None else opaque & ~coloured


def _coloured(colours: NDArray[np.generic], grey: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(rows, columns) bool, True where a channel is not what the image's overall tint makes of the grey value."""
    low, high = float(grey.min()), float(grey.max())
    if high <= low:
        return np.zeros(grey.shape, dtype=bool)
    level = (grey - low) / (high - low)
    step = max(1, int(np.sqrt(grey.size / 65536)))
    sample = level[::step, ::step].ravel().astype(np.float64)
    degree = min(TINT_DEGREE, len(np.unique(sample)) - 1)
    coloured = np.zeros(grey.shape, dtype=bool)
    for channel in range(3):
        value = (colours[..., channel].astype(np.float32) - low) / (high - low)
        tint = np.polyfit(sample, value[::step, ::step].ravel(), degree).astype(np.float32)
        coloured |= np.abs(value - np.polyval(tint, level)) > CHANNEL_NOISE
    return coloured
