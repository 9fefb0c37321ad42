"""The weights and the filter of Feldkamp, Davis and Kress for a few views from any direction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from XRayLib.ct import Volume
from XRayLib.geometry import XRayGeometry, isocenter_of
from XRayLib.registry import Progress

Array = NDArray[np.float32]

SMALLEST_TURN = 0.02
"""Singular value, relative, below which the beams span no plane: they are all parallel."""


def feldkamp(images: Array, geometries: Sequence[XRayGeometry], grid: Volume, progress: Progress) -> Array:
    """Filtered back-projection (k, j, i), in the images' units per mm.

    Each view is weighted by the share of the half turn about the common rotation axis that is nearest to it. A voxel
    gathers the film's filtered value at its projection times (source-to-isocentre / depth)^2.
    """
    from scipy import ndimage

    axis = rotation_axis([g.detector_normal for g in geometries])
    shares = half_turn_shares([g.detector_normal for g in geometries], axis)
    isocenter = isocenter_of(geometries)
    indices = np.indices(grid.voxels.shape, dtype=np.float32).reshape(3, -1)[::-1]
    points = (grid.ijk_to_ras[:3, :3] @ indices).T + grid.ijk_to_ras[:3, 3]
    total = np.zeros(len(points))
    for n, geometry in enumerate(geometries):
        progress(n / len(geometries), "Back-projecting")
        to_isocenter = float(geometry.depth_mm(isocenter)[0])
        filtered = ramp_filtered(images[n] * cosines(geometry), geometry, axis, to_isocenter)
        depth = geometry.depth_mm(points)
        value = ndimage.map_coordinates(filtered, geometry.project(points).T[::-1], order=1, mode="constant")
        total += shares[n] * value * (to_isocenter / depth) ** 2
    return total.reshape(grid.voxels.shape).astype(np.float32)


def rotation_axis(normals: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Unit vector across all beams; for parallel beams the one nearest to the body's long axis (S)."""
    _, spread, axes = np.linalg.svd(np.array(normals))
    if len(normals) > 1 and spread[1] > SMALLEST_TURN * spread[0]:
        return axes[2]
    beam = axes[0]
    along = np.array([0.0, 0.0, 1.0]) if abs(beam[2]) < 0.9 else np.array([0.0, 1.0, 0.0])
    across = along - (along @ beam) * beam
    return across / np.linalg.norm(across)


def half_turn_shares(normals: Sequence[NDArray[np.float64]], axis: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angle in rad (views,) of the half turn that is nearest to each view; opposite views share. Sum pi."""
    first = np.linalg.svd(np.array([axis]))[2][1]
    second = np.cross(axis, first)
    angles = np.mod([np.arctan2(n @ second, n @ first) for n in normals], np.pi)
    order = np.argsort(angles)
    gaps = np.diff(np.append(angles[order], angles[order[0]] + np.pi))
    shares = np.empty(len(angles))
    shares[order] = (gaps + np.roll(gaps, 1)) / 2
    return shares


def cosines(geometry: XRayGeometry) -> Array:
    """Cosine of the angle between every pixel's ray and the detector normal, (rows, columns)."""
    columns, rows = geometry.size_px
    column, row = geometry.principal_point_px
    u = (np.arange(columns) - column)[None, :] * geometry.pixel_spacing_mm[1]
    v = (np.arange(rows) - row)[:, None] * geometry.pixel_spacing_mm[0]
    distance = geometry.source_to_detector_mm
    return (distance / np.sqrt(distance**2 + u**2 + v**2)).astype(np.float32)


def ramp_filtered(image: Array, geometry: XRayGeometry, axis: NDArray[np.float64], to_isocenter_mm: float) -> Array:
    """The film convolved across the rotation axis with the band-limited ramp (Kak and Slaney, eq. 3.61), per mm."""
    across = np.cross(axis, geometry.detector_normal)
    along_rows = abs(across @ geometry.row_direction) > abs(across @ geometry.column_direction)
    spacing = geometry.pixel_spacing_mm[0] if along_rows else geometry.pixel_spacing_mm[1]
    pitch = spacing * to_isocenter_mm / geometry.source_to_detector_mm
    lines = image.T if along_rows else image
    length = lines.shape[1]
    n = np.arange(-length + 1, length)
    odd = n % 2 != 0
    kernel = np.where(odd, -1 / (np.pi * np.where(odd, n, 1) * pitch) ** 2, 0.0)
    kernel[length - 1] = 1 / (4 * pitch**2)
    size = 1 << int(np.ceil(np.log2(3 * length)))
    spectrum = np.fft.rfft(lines, size, axis=1) * np.fft.rfft(kernel, size)
    filtered = np.fft.irfft(spectrum, size, axis=1)[:, length - 1 : 2 * length - 1] * pitch
    return (filtered.T if along_rows else filtered).astype(np.float32)
