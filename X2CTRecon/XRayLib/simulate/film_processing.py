"""From the detector's signal to a picture as it leaves the console: tone, local contrast, borders, markers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from XRayLib.simulate.realism import Realism

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

LOCAL_CONTRAST_MM = 40.0
DEEPEST = 12.0
"""Largest attenuation shown; more is the same white."""


def process(
    signal: Array, pixel_spacing_mm: tuple[float, float], realism: Realism, rng: np.random.Generator
) -> tuple[Array, Mask]:
    """The picture, bone bright, in units of line integrals before tone processing, and its mask.

    Returns
    -------
    image : (rows, columns) float32, >= 0
        Monotone in attenuation inside the mask, up to local contrast processing.
    mask : (rows, columns) bool
        False under borders, markers and text.
    """
    image = np.clip(-np.log(signal), 0.0, DEEPEST).astype(np.float32)
    opening = _opening(image.shape, realism)
    if not realism.border_black:
        image = np.where(opening, image, np.float32(DEEPEST))
    if realism.level == "hard":
        image = _toned(image, opening, pixel_spacing_mm, realism)
    mask = opening.copy()
    if realism.border_black:
        image = np.where(opening, image, np.float32(0.0))
    bright = float(image.max())
    for letters, is_lead in ((realism.marker, True), (realism.text, False)):
        if letters:
            drawn = _letters(image.shape, letters, is_lead, rng)
            image = np.where(drawn, np.float32(bright), image)
            mask &= ~_grown(drawn)
    return _quantised(image, realism.bits), mask


def _toned(image: Array, opening: Mask, pixel_spacing_mm: tuple[float, float], realism: Realism) -> Array:
    """Local contrast, S curve and gamma between the picture's own dark and bright ends."""
    from scipy.ndimage import gaussian_filter

    if realism.local_contrast > 0:
        slow = gaussian_filter(image, [LOCAL_CONTRAST_MM / spacing for spacing in pixel_spacing_mm], truncate=2.0)
        image = image - np.float32(realism.local_contrast) * (slow - slow[opening].mean())
    low, high = np.percentile(image[opening], [0.5, 99.5])
    span = max(float(high - low), 1e-3)
    scaled = np.clip((image - np.float32(low)) / np.float32(span), 0.0, 1.0)
    curve = 1 / (1 + np.exp(-(scaled - 0.5) * 7.0))
    ends = 1 / (1 + np.exp(3.5)), 1 / (1 + np.exp(-3.5))
    curve = (curve - ends[0]) / (ends[1] - ends[0])
    toned = (1 - realism.tone) * scaled + realism.tone * curve
    return (np.clip(toned, 0, 1) ** realism.gamma * span).astype(np.float32)


def _opening(shape: tuple[int, int], realism: Realism) -> Mask:
    """True inside the collimator's opening."""
    rows, columns = shape
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    cos, sin = np.cos(realism.border_turn_rad), np.sin(realism.border_turn_rad)
    turned_x, turned_y = cos * x + sin * y, cos * y - sin * x
    open_to = 1 - realism.border_fraction
    if realism.border == "circle":
        return turned_x**2 + turned_y**2 < (1.05 * open_to) ** 2
    if realism.border == "rectangle":
        return (np.abs(turned_x) < open_to) & (np.abs(turned_y) < open_to)
    return np.ones(shape, bool)


def _letters(shape: tuple[int, int], letters: str, is_lead: bool, rng: np.random.Generator) -> Mask:
    """Letters near an upper corner (markers) or along the lower edge (text)."""
    from PIL import Image, ImageDraw, ImageFont

    rows, columns = shape
    height = max(8, int(rows * (0.055 if is_lead else 0.025)))
    canvas = Image.new("L", (columns, rows), 0)
    font = ImageFont.load_default(height)
    left = int(columns * (rng.choice([0.06, 0.86]) if is_lead else 0.03))
    top = int(rows * (rng.uniform(0.05, 0.2) if is_lead else 0.95)) - (0 if is_lead else height // 2)
    ImageDraw.Draw(canvas).text((left, top), letters, fill=255, font=font)
    return np.asarray(canvas) > 127


def _grown(mask: Mask) -> Mask:
    from scipy.ndimage import binary_dilation

    return binary_dilation(mask, iterations=2)


def _quantised(image: Array, bits: int) -> Array:
    step = np.float32(max(float(image.max()), 1e-6) / (2**bits - 1))
    return np.rint(image / step).astype(np.float32) * step
