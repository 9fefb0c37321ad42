"""Arrays to pictures for a report."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray

from XRayLib.ct import Volume

CT_RANGE_HU = (-1000.0, 600.0)


def grey_png(image: NDArray[np.float32], low: float, high: float, side_px: int = 420) -> str:
    """A ``data:`` URI of the image in grey, its longer side ``side_px``."""
    levels = np.clip((np.asarray(image, np.float32) - low) / max(high - low, 1e-6), 0, 1)
    return _png((levels * 255).astype(np.uint8), side_px)


def signed_png(image: NDArray[np.float32], extent: float, side_px: int = 420) -> str:
    """A ``data:`` URI of a difference: blue below zero, white at zero, red above."""
    level = np.clip(np.asarray(image, np.float32) / max(extent, 1e-6), -1, 1)[..., np.newaxis]
    red, blue, white = (np.array(color, np.float32) for color in ((178, 24, 43), (33, 102, 172), (255, 255, 255)))
    color = np.where(level > 0, white + level * (red - white), white - level * (blue - white))
    return _png(color.astype(np.uint8), side_px)


def orthogonal_slices(volume: Volume) -> dict[str, NDArray[np.float32]]:
    """Middle slices as a radiologist hangs them (patient's right on the image's left), pixels square.

    Returns images by name for a volume whose i, j, k run along R, A, S up to sign and order.
    """
    from XRayLib.ct import resample

    spacing = float(min(volume.spacing_mm))
    extent = np.abs(volume.ijk_to_ras[:3, :3]) @ np.array(volume.voxels.shape[::-1])
    size = np.maximum(np.round(extent / spacing), 1).astype(int)
    upright = Volume.axis_aligned(np.zeros(size[::-1], np.float32), (spacing,) * 3, volume.center_ras_mm)
    voxels = resample(volume, upright.voxels.shape, upright.ijk_to_ras).voxels
    depth, rows, columns = voxels.shape
    return {
        "Axial": voxels[depth // 2, ::-1, ::-1],
        "Coronal": voxels[::-1, rows // 2, ::-1],
        "Sagittal": voxels[::-1, ::-1, columns // 2],
    }


def _png(levels: NDArray[np.uint8], side_px: int) -> str:
    from PIL import Image

    picture = Image.fromarray(levels)
    scale = side_px / max(picture.size)
    picture = picture.resize([max(1, round(side * scale)) for side in picture.size], Image.Resampling.BICUBIC)
    stream = io.BytesIO()
    picture.save(stream, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
