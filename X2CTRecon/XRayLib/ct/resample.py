"""A volume on another grid."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from XRayLib.ct.volume import Volume

OUTSIDE = {"HU": -1000.0}
"""Value of what lies outside the source volume; 0 for quantities not listed."""


def resample(
    volume: Volume, shape_kji: tuple[int, int, int], ijk_to_ras: ArrayLike, *, antialias: bool = True
) -> Volume:
    """The volume on the grid of ``shape_kji`` voxels placed by ``ijk_to_ras``.

    Linear interpolation (nearest for labels); air, or 0 for other quantities, outside the source. With ``antialias``
    a coarser target is preceded by the Gaussian that turns the source's resolution into the target's
    (Cardoso et al., "Scale factor point spread function matching", MICCAI 2015).
    """
    return _resampled(volume, shape_kji, ijk_to_ras, antialias=antialias, repeat_ends=False)


def resample_isotropic(volume: Volume, spacing_mm: float) -> Volume:
    """The volume on a grid along R, A, S with cubic voxels, just large enough to hold it.

    So the grid's outer voxels may lie a little beyond the source's: they hold what it ends with. Air there would be a
    gap at the end of a scan, which a threshold takes for the end of the patient.
    """
    low, high = volume.corners_ras_mm.min(axis=0), volume.corners_ras_mm.max(axis=0)
    shape_ijk = [math.ceil((h - lo) / spacing_mm - 1e-6) + 1 for lo, h in zip(low, high, strict=True)]
    ijk_to_ras = np.diag([spacing_mm] * 3 + [1.0])
    ijk_to_ras[:3, 3] = (low + high) / 2 - spacing_mm * (np.array(shape_ijk) - 1) / 2
    return _resampled(volume, (shape_ijk[2], shape_ijk[1], shape_ijk[0]), ijk_to_ras, antialias=True, repeat_ends=True)


def _resampled(
    volume: Volume, shape_kji: tuple[int, int, int], ijk_to_ras: ArrayLike, *, antialias: bool, repeat_ends: bool
) -> Volume:
    """As :func:`resample`; ``repeat_ends``: half a target voxel beyond the source's ends, its end voxels go on."""
    import SimpleITK as sitk

    target = Volume(np.empty((1, 1, 1), np.float32), np.asarray(ijk_to_ras, float), volume.quantity)
    outside = OUTSIDE.get(volume.quantity, 0.0)
    is_label = volume.quantity == "label"
    source = sitk.GetImageFromArray(volume.voxels)
    if antialias and not is_label:
        for axis, sigma in enumerate(_matching_sigmas(volume, target)):
            if sigma > 0.3 and source.GetSize()[axis] >= 4:
                source = sitk.RecursiveGaussian(source, sigma=sigma, direction=axis)
    # SimpleITK's resampler wants perpendicular axes; in index coordinates any pair of grids is one affine transform.
    to_source = np.linalg.inv(volume.ijk_to_ras) @ target.ijk_to_ras
    transform = sitk.AffineTransform(to_source[:3, :3].ravel().tolist(), to_source[:3, 3].tolist())
    resampled = sitk.Resample(
        source,
        shape_kji[::-1],
        transform,
        sitk.sitkNearestNeighbor if is_label else sitk.sitkLinear,
        (0.0, 0.0, 0.0),
        (1.0, 1.0, 1.0),
        np.eye(3).ravel().tolist(),
        outside,
        sitk.sitkFloat32,
        repeat_ends,
    )
    voxels = sitk.GetArrayFromImage(resampled)
    if repeat_ends:
        voxels[_beyond(volume, target, to_source, shape_kji)] = outside
    return Volume(voxels, target.ijk_to_ras, volume.quantity)


def _beyond(source: Volume, target: Volume, to_source: NDArray, shape_kji: tuple[int, int, int]) -> NDArray[np.bool_]:
    """Target voxels (k, j, i) that do not touch the source's: corners of a grid around an oblique one."""
    k, j, i = np.ogrid[tuple(map(slice, shape_kji))]
    beyond = np.zeros(shape_kji, bool)
    margins = 0.5 * _sizes(source, target) + 1e-3
    for row, count, margin in zip(to_source, source.voxels.shape[::-1], margins, strict=False):
        at = row[0] * i + row[1] * j + row[2] * k + row[3]
        beyond |= (at < -margin) | (at > count - 1 + margin)
    return beyond


def _matching_sigmas(source: Volume, target: Volume) -> list[float]:
    """Gaussian sigma along each source axis, in source voxels, that brings its resolution to the target's."""
    return [math.sqrt(max(0.0, r * r - 1.0) / (8 * math.log(2))) for r in _sizes(source, target)]


def _sizes(source: Volume, target: Volume) -> NDArray[np.float64]:
    """Extent (3,) of a target voxel along each source axis, in source voxels; its spacing when the axes agree."""
    source_axes = source.ijk_to_ras[:3, :3] / source.spacing_mm
    return np.linalg.norm(source_axes.T @ target.ijk_to_ras[:3, :3], axis=1) / source.spacing_mm
