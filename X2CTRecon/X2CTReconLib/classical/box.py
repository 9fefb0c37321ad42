"""The box that is reconstructed: what all films see of a body part."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from XRayLib.ct import Volume
from XRayLib.ct.blocks import in_blocks
from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry, isocenter_of

BODY_SIZE_MM = {
    "chest": (440.0, 320.0, 440.0),
    "thorax": (440.0, 320.0, 440.0),
    "abdomen": (440.0, 340.0, 440.0),
    "pelvis": (440.0, 320.0, 400.0),
    "head": (220.0, 260.0, 300.0),
    "skull": (220.0, 260.0, 300.0),
    "neck": (240.0, 240.0, 240.0),
    "knee": (200.0, 220.0, 320.0),
    "hand": (160.0, 120.0, 260.0),
    "wrist": (160.0, 120.0, 260.0),
}
"""Room for a large adult's body part along R, A, S."""

TRUNK_MM = BODY_SIZE_MM["abdomen"]
FINEST_SPACING_MM = 2.0
MOST_VOXELS_ALONG_AN_AXIS = 110
PROBES = 41


def size_of(body_part: str) -> tuple[tuple[float, float, float], str]:
    """Size along R, A, S, mm, and the assumption behind it ("" when the body part is known)."""
    words = body_part.lower()
    for name, size in BODY_SIZE_MM.items():
        if name in words:
            return size, ""
    return TRUNK_MM, "The body part was not named: the size of an adult's trunk was assumed."


def box_of(
    geometries: Sequence[XRayGeometry],
    size_mm: tuple[float, float, float],
    spacing_mm: float = 0.0,
    center_ras_mm: NDArray[np.float64] | None = None,
) -> Volume:
    """An empty grid along R, A, S over what every film sees within ``size_mm`` around the centre, by default the
    isocentre.

    Along a beam that no other film crosses nothing limits the box but the size of the body. ``spacing_mm`` 0: about
    110 voxels along the longest side, not finer than 2 mm. InputError when the films see no common region.
    """
    centre = isocenter_of(geometries) if center_ras_mm is None else center_ras_mm
    steps = np.linspace(-0.5, 0.5, PROBES)
    r, a, s = (size * steps + middle for size, middle in zip(size_mm, centre, strict=True))
    points = np.stack(np.meshgrid(r, a, s, indexing="ij"), axis=-1).reshape(-1, 3)
    seen = np.ones(len(points), bool)
    for geometry in geometries:
        seen &= seen_by(geometry, points)
    if seen.sum() < 2:
        raise InputError("The films see no common part of the patient: check their geometries.")
    cell = np.array(size_mm) / (PROBES - 1)
    low, high = points[seen].min(axis=0) - cell, points[seen].max(axis=0) + cell
    return grid_over(low, high, spacing_mm)


def box_of_volume(volume: Volume, volume_to_world: NDArray[np.float64], spacing_mm: float = 0.0) -> Volume:
    """An empty grid over a volume at its place in the world, on its own voxels or whole multiples of them."""
    sizes = np.array(volume.voxels.shape[::-1])
    longest = float((sizes * volume.spacing_mm).max())
    wanted = spacing_mm or max(FINEST_SPACING_MM, longest / MOST_VOXELS_ALONG_AN_AXIS)
    factors = np.array([max(1, round(wanted / spacing)) for spacing in volume.spacing_mm])
    shape = tuple(np.maximum(1, sizes // factors)[::-1])
    return Volume(np.zeros(shape, np.float32), in_blocks(volume_to_world @ volume.ijk_to_ras, factors), "mu_per_mm")


def grid_over(low_ras_mm: NDArray[np.float64], high_ras_mm: NDArray[np.float64], spacing_mm: float) -> Volume:
    """Zeros on cubic voxels over the box, quantity "mu_per_mm"."""
    extent = high_ras_mm - low_ras_mm
    spacing = spacing_mm or max(FINEST_SPACING_MM, float(extent.max()) / MOST_VOXELS_ALONG_AN_AXIS)
    shape = tuple(max(2, math.ceil(e / spacing)) for e in extent[::-1])
    if max(shape) > 4 * MOST_VOXELS_ALONG_AN_AXIS:
        raise InputError(f"Voxels of {spacing:g} mm are too many for this field: choose a larger spacing_mm.")
    middle = (low_ras_mm + high_ras_mm) / 2
    return Volume.axis_aligned(np.zeros(shape, np.float32), (spacing,) * 3, middle, "mu_per_mm")


def seen_by(geometry: XRayGeometry, points_ras_mm: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points (N, 3) project into the film."""
    before = geometry.depth_mm(points_ras_mm) > 1.0
    pixel = geometry.project(np.where(before[:, None], points_ras_mm, points_ras_mm[before].mean(axis=0)[None]))
    limit = np.array(geometry.size_px) - 0.5
    return before & ((pixel > -0.5) & (pixel < limit)).all(axis=1)
