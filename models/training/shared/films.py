"""What happens to a radiograph between the ideal line integrals and a file: the training's intensity augmentation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class FilmVariation:
    """How far films vary; every value is the largest of a uniform draw unless it says otherwise."""

    plain_share: float = 0.2
    """Share of films left as they are: a DRR is a legitimate input too."""
    scatter: float = 0.5
    """Scattered light beside a transmission of 1 in open beam, largest of a draw that prefers little."""
    veil: float = 0.5
    """Share of a blur of the film added, or taken away as display processing does to flatten a film."""
    toe: float = 0.3
    """Share of the range that may be lost at the dark end: on many films lung is as black as air."""
    log_gamma: float = 0.5
    sigmoid: float = 0.5
    """Weight of an S-shaped display curve."""
    noise: float = 0.025
    """Standard deviation, as a share of the film's range."""
    blur_px: float = 0.9
    shading: float = 0.08
    collimated_share: float = 0.5
    collimation: float = 0.16
    """Each side's largest hidden share."""
    narrow_share: float = 0.1
    """Share of films seen only in a window of 50 to 75 % of the field, as on a C-arm."""
    marker_share: float = 0.2


def varied(image: Image, variation: FilmVariation, rng: np.random.Generator) -> tuple[Image, Mask]:
    """A film of unknown exposure and processing from line integrals (rows, columns), and where it shows anything."""
    seen = field_of_view(image.shape, variation, rng)
    if rng.random() < variation.plain_share:
        return image, seen
    x = _scattered(image, variation.scatter * rng.random() ** 2, rng)
    x = x / max(float(x.max()), 1e-6)
    wide = ndimage.gaussian_filter(x, image.shape[0] * rng.uniform(0.05, 0.2))
    x = x + rng.uniform(-1, 1) * variation.veil * (wide - x)
    x = x - variation.toe * rng.random() ** 2
    x = np.clip(x, 0, None) ** np.exp(rng.uniform(-1, 1) * variation.log_gamma)
    steepness, middle = rng.uniform(4, 9), rng.uniform(0.3, 0.6)
    curve = 1 / (1 + np.exp(-steepness * (x - middle)))
    share = rng.uniform(0, variation.sigmoid)
    x = (1 - share) * x + share * curve
    x = x + variation.shading * rng.uniform(-1, 1) * _ramp(image.shape, rng)
    if rng.random() < variation.marker_share:
        _draw_marker(x, rng)
    x = ndimage.gaussian_filter(x, rng.uniform(0, variation.blur_px))
    noise = rng.standard_normal(image.shape, dtype=np.float32)
    if rng.random() < 0.5:
        noise = 1.8 * ndimage.gaussian_filter(noise, 0.6)
    return (x + rng.uniform(0, variation.noise) * noise).astype(np.float32), seen


def field_of_view(shape: tuple[int, int], variation: FilmVariation, rng: np.random.Generator) -> Mask:
    """Mask of the exposed field: everything, a collimated rectangle, or the small (round) field of a C-arm."""
    rows, columns = shape
    seen = np.ones(shape, bool)
    if rng.random() < variation.narrow_share:
        half = rng.uniform(0.5, 0.75) / 2
        y, x = np.mgrid[:rows, :columns]
        y, x = np.abs(y / (rows - 1) - 0.5), np.abs(x / (columns - 1) - 0.5)
        return np.hypot(x, y) < half * 1.15 if rng.random() < 0.5 else (x < half) & (y < half)
    if rng.random() < variation.collimated_share:
        top, bottom, left, right = rng.random(4) * variation.collimation * np.array([rows, rows, columns, columns])
        seen[: int(top)] = seen[rows - int(bottom) :] = False
        seen[:, : int(left)] = seen[:, columns - int(right) :] = False
    return seen


def _scattered(line_integral: Image, share: float, rng: np.random.Generator) -> Image:
    """Line integrals measured through a veil of scatter: -log of transmission plus a wide blur of it."""
    transmission = np.exp(-line_integral)
    wide = ndimage.gaussian_filter(transmission, line_integral.shape[0] * rng.uniform(0.08, 0.25))
    return np.log1p(share) - np.log(transmission + share * wide + 1e-6)


def _ramp(shape: tuple[int, int], rng: np.random.Generator) -> Image:
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    return (np.cos(angle) * x + np.sin(angle) * y).astype(np.float32)


def _draw_marker(x: Image, rng: np.random.Generator) -> None:
    rows, columns = x.shape
    height, width = rng.integers(3, 9, 2)
    row, column = rng.integers(0, rows - height), rng.integers(0, columns - width)
    x[row : row + height, column : column + width] = rng.uniform(0.7, 1.2) * x.max()
