"""Arrays to pictures for a report."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray

from XRayLib.ct import Volume

CT_RANGE_HU = (-1000.0, 600.0)
CONTOUR_COLOR = (255, 214, 10)


def grey_png(image: NDArray[np.float32], low: float, high: float, side_px: int = 420) -> str:
    """A ``data:`` URI of the image in grey, its longer side ``side_px``."""
    return _png(_levels(image, low, high), side_px)


def signed_png(image: NDArray[np.float32], extent: float, side_px: int = 420) -> str:
    """A ``data:`` URI of a difference: blue below zero, white at zero, red above."""
    level = np.clip(np.asarray(image, np.float32) / max(extent, 1e-6), -1, 1)[..., np.newaxis]
    red, blue, white = (np.array(color, np.float32) for color in ((178, 24, 43), (33, 102, 172), (255, 255, 255)))
    color = np.where(level > 0, white + level * (red - white), white - level * (blue - white))
    return _png(color.astype(np.uint8), side_px)


def contour_png(
    film: NDArray[np.float32], low: float, high: float, drawn: NDArray[np.float32], side_px: int = 420
) -> str:
    """A ``data:`` URI of the film in grey with the edges of ``drawn``, an image of the same size, in yellow over it.

    The strongest eighth of the edges (J. Canny, IEEE TPAMI 8(6), 1986), found at the size of the picture.
    """
    import cv2

    scale = side_px / max(film.shape)
    size = tuple(max(1, round(side * scale)) for side in film.shape[::-1])
    grey, shown = (
        cv2.resize(np.asarray(image, np.float32), size, interpolation=cv2.INTER_AREA) for image in (film, drawn)
    )
    smooth = cv2.GaussianBlur(shown, (0, 0), 1.2)
    eight_bit = _levels(smooth, *np.percentile(smooth, (0.5, 99.5)))
    slope = np.hypot(cv2.Sobel(eight_bit, cv2.CV_32F, 1, 0), cv2.Sobel(eight_bit, cv2.CV_32F, 0, 1))
    strong = max(float(np.quantile(slope, 7 / 8)), 1.0)
    edges = cv2.Canny(eight_bit, 0.5 * strong, strong, L2gradient=True) > 0
    levels = np.where(edges[..., np.newaxis], CONTOUR_COLOR, _levels(grey, low, high)[..., np.newaxis])
    return _png(levels.astype(np.uint8), side_px)


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


def _levels(image: NDArray[np.float32], low: float, high: float) -> NDArray[np.uint8]:
    return (255 * np.clip((np.asarray(image, np.float32) - low) / max(high - low, 1e-6), 0, 1)).astype(np.uint8)


def _png(levels: NDArray[np.uint8], side_px: int) -> str:
    from PIL import Image

    picture = Image.fromarray(levels)
    scale = side_px / max(picture.size)
    picture = picture.resize([max(1, round(side * scale)) for side in picture.size], Image.Resampling.BICUBIC)
    stream = io.BytesIO()
    picture.save(stream, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
