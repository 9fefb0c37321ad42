"""What an array must be to be taken as a radiograph."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from XRayLib.errors import InputError

LARGEST_PIXELS = 175_000_000
"""Checked against the header before anything is decoded: the largest flat panels have about 20 million pixels."""
SMALLEST_SIDE_PX = 16


def check_size(name: str, columns: int, rows: int) -> None:
    """InputError when an image of that size is empty, too small to show anatomy, or too large to be a radiograph."""
    if columns < 1 or rows < 1:
        raise InputError(f"{name} holds no image: it has {columns} x {rows} pixels. Choose another file.")
    if min(columns, rows) < SMALLEST_SIDE_PX:
        raise InputError(
            f"{name} has {columns} x {rows} pixels, too few for a radiograph: at least {SMALLEST_SIDE_PX} a side."
        )
    if columns * rows > LARGEST_PIXELS:
        raise InputError(
            f"{name} claims {columns} x {rows} pixels, more than any radiograph has: it is damaged, or must be reduced "
            f"to at most {LARGEST_PIXELS // 1_000_000} million pixels."
        )


def check_frame(name: str, frame_index: int, frames: int) -> None:
    """InputError when the frame does not exist."""
    if not 0 <= frame_index < frames:
        raise InputError(f"{name} has {frames} frame(s): frame {frame_index + 1} does not exist, choose 1 to {frames}.")


def check_pixels(name: str, pixels: NDArray[np.generic]) -> None:
    """InputError when the (rows, columns) array is not of real finite numbers that differ from each other."""
    if pixels.ndim != 2:
        raise InputError(f"{name} is not one two-dimensional image: choose a single frame.")
    check_size(name, pixels.shape[1], pixels.shape[0])
    if pixels.dtype.kind not in "biuf":
        raise InputError(f"{name} does not hold grey values: numbers are needed.")
    if not np.isfinite(pixels).all():
        raise InputError(f"{name} contains values that are not numbers (NaN or infinity): export it again.")
    if pixels.min() == pixels.max():
        raise InputError(f"{name} is empty: every pixel has the same value. Choose another image.")
