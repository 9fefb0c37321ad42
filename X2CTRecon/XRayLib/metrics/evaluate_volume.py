"""Every volume metric of a result against the CT, beside trivial baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from XRayLib.ct import Volume, resample
from XRayLib.errors import InputError
from XRayLib.metrics.intensity import mean_absolute_error, psnr_3d
from XRayLib.metrics.legacy import legacy_psnr, legacy_ssim
from XRayLib.metrics.overlap import dice, mean_surface_distance_mm
from XRayLib.metrics.structure import ssim_3d
from XRayLib.metrics.tissues import body_mask, bone_mask, lung_mask
from XRayLib.radiograph import Radiograph

AIR_HU = -1000.0
FINEST_SPACING_MM = 2.0
"""A finer reference is averaged down to about this spacing: no method resolves more, and metrics stay comparable."""

LABEL_GROUPS = {"liver": (5,), "lung": (10, 11, 12, 13, 14), "bone": tuple(range(92, 117))}
"""TotalSegmentator 'total' v2 label numbers; the ribs and the sternum stand for bone."""


def evaluate_volume(
    reference: Volume,
    result: Volume,
    *,
    radiographs: Sequence[Radiograph] = (),
    labels: Volume | None = None,
    template: Volume | None = None,
) -> dict[str, Any]:
    """Metrics of ``result``, of air, of water and of ``template`` (mean of training patients) against ``reference``.

    All volumes in HU and in one RAS frame. Everything is compared on the reference's grid, smoothed to spacings of at
    least 2 mm; outside its own field of view a volume counts as air.

    Returns
    -------
    dict
        ``result`` and ``baselines`` (air, water, template) each with psnr_3d, ssim_3d, legacy_psnr, legacy_ssim,
        mae_hu, mae_body_hu, dice_lung, dice_bone, surface_lung_mm, surface_bone_mm; ``coverage``: share of the
        reference's body inside the result's field of view; ``reprojection_residual``: per radiograph.
    """
    reference = _coarse(reference)
    body = body_mask(reference.voxels)
    if not body.any():
        raise InputError("The reference holds no body (nothing above -300 HU): choose a CT in Hounsfield units.")
    on_grid, inside = _onto(result, reference)
    values: dict[str, Any] = {
        "grid": {"shape_kji": list(reference.voxels.shape), "spacing_mm": list(reference.spacing_mm)},
        "coverage": float(inside[body].mean()),
        "result": _metrics(reference, on_grid, body),
        "baselines": {
            "air": _metrics(reference, np.full_like(reference.voxels, AIR_HU), body),
            "water_body": _metrics(reference, np.where(body, np.float32(0), np.float32(AIR_HU)), body),
        },
    }
    if template is not None:
        values["baselines"]["template"] = _metrics(reference, _onto(template, reference)[0], body)
    if labels is not None:
        values["result"] |= _label_metrics(labels, reference, on_grid)
    if radiographs:
        values["reprojection_residual"] = _residuals(result, radiographs)
    return values


def _metrics(reference: Volume, voxels: NDArray[np.float32], body: NDArray[np.bool_]) -> dict[str, float]:
    spacing_kji = reference.spacing_mm[::-1]
    own_body = body_mask(voxels)
    values = {
        "psnr_3d": psnr_3d(reference.voxels, voxels),
        "ssim_3d": ssim_3d(reference.voxels, voxels),
        "legacy_psnr": legacy_psnr(reference.voxels, voxels),
        "legacy_ssim": legacy_ssim(reference.voxels, voxels),
        "mae_hu": mean_absolute_error(reference.voxels, voxels),
        "mae_body_hu": mean_absolute_error(reference.voxels, voxels, body),
    }
    for name, tissue in (("lung", lung_mask), ("bone", bone_mask)):
        true, found = tissue(reference.voxels, body), tissue(voxels, own_body)
        values[f"dice_{name}"] = dice(true, found)
        values[f"surface_{name}_mm"] = mean_surface_distance_mm(true, found, spacing_kji)
    return values


def _label_metrics(labels: Volume, reference: Volume, voxels: NDArray[np.float32]) -> Mapping[str, float]:
    """Mean absolute error inside each labelled organ, HU."""
    on_grid = resample(replace(labels, quantity="label"), reference.voxels.shape, reference.ijk_to_ras).voxels
    return {
        f"mae_{name}_hu": mean_absolute_error(reference.voxels, voxels, np.isin(on_grid, numbers))
        for name, numbers in LABEL_GROUPS.items()
        if np.isin(on_grid, numbers).any()
    }


def _residuals(result: Volume, radiographs: Sequence[Radiograph]) -> list[float]:
    from XRayLib.reprojection import reproject

    return [view.residual for view in reproject(result, tuple(radiographs))]


def _coarse(volume: Volume) -> Volume:
    """Block means so that no spacing is finer than FINEST_SPACING_MM (by more than rounding)."""
    factors = [max(1, round(FINEST_SPACING_MM / spacing)) for spacing in volume.spacing_mm]
    if factors == [1, 1, 1]:
        return volume
    shape = tuple(max(1, size // factor) for size, factor in zip(volume.voxels.shape, factors[::-1], strict=True))
    scale = np.diag([*(float(factor) for factor in factors), 1.0])
    scale[:3, 3] = [(factor - 1) / 2 for factor in factors]
    return resample(volume, shape, volume.ijk_to_ras @ scale)


def _onto(volume: Volume, grid: Volume) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The volume on another grid, air outside its field of view, and where it has values."""
    shape = grid.voxels.shape
    seen = resample(replace(volume, voxels=np.ones_like(volume.voxels), quantity="share"), shape, grid.ijk_to_ras)
    return resample(replace(volume, quantity="HU"), shape, grid.ijk_to_ras).voxels, seen.voxels > 0.5
