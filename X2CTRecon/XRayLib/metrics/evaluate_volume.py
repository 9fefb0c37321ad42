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
from XRayLib.metrics.overlap import dice
from XRayLib.metrics.perceptual import Lpips, installed_lpips, lpips_of_volumes, reason_against_lpips
from XRayLib.metrics.structure import WINDOW, ssim_3d
from XRayLib.metrics.surface_distance import mask_surface_distances
from XRayLib.metrics.tissues import ORGAN_LABELS, body_mask, bone_mask, lung_mask
from XRayLib.radiograph import Radiograph

AIR_HU = -1000.0
FINEST_SPACING_MM = 2.0
"""A finer reference is averaged down to about this spacing: no method resolves more, and metrics stay comparable."""

Mask = NDArray[np.bool_]


def evaluate_volume(
    reference: Volume,
    result: Volume,
    *,
    radiographs: Sequence[Radiograph] = (),
    labels: Volume | None = None,
    result_labels: Volume | None = None,
    template: Volume | None = None,
    lpips: Lpips | None = None,
) -> dict[str, Any]:
    """Metrics of ``result``, of air, of water and of ``template`` (mean of training patients) against ``reference``.

    All volumes in HU and in one RAS frame. Everything is compared on the reference's grid, smoothed to spacings of at
    least 2 mm; outside its own field of view a volume counts as air.

    Parameters
    ----------
    labels, result_labels : organ labels of the reference and of the result, numbered as in tissues.ORGAN_LABELS.
        The first alone gives the error in HU within each organ; both give Dice and surface distances.
    lpips : the perceptual metric; None for the one whose weights the user has installed.

    Returns
    -------
    dict
        ``result`` and ``baselines`` (air, water_body, template), each with psnr_3d, ssim_3d, legacy_psnr, legacy_ssim,
        mae_hu, mae_body_hu, lpips and, for lung and bone by threshold, dice_* and surface_*_mm with _rmse, _p95 and
        _hausdorff; ``coverage``: share of the reference's body inside the result's field of view; ``field_of_view``,
        where that is not all: the same metrics within the box around it; ``organs``: with labels;
        ``reprojection_residual``: per radiograph; ``lpips_weights``: the SHA-256 of the weights, or the sentence that
        says why there is no lpips and what to do.
    """
    reference = _coarse(reference)
    body = body_mask(reference.voxels)
    if not body.any():
        raise InputError("The reference holds no body (nothing above -300 HU): choose a CT in Hounsfield units.")
    lpips = lpips or installed_lpips()
    no_lpips = reason_against_lpips(reference.voxels.shape, lpips)
    weights_sha256 = lpips.sha256 if lpips else ""
    lpips = None if no_lpips else lpips
    on_grid, inside = _onto(result, reference)
    if not (inside & body).any():
        raise InputError("The result lies outside of the reference's body: both must be in the same RAS frame.")
    candidates = {
        "result": on_grid,
        "air": np.full_like(reference.voxels, AIR_HU),
        "water_body": np.where(body, np.float32(0), np.float32(AIR_HU)),
    }
    if template is not None:
        candidates["template"] = _onto(template, reference)[0]
    values: dict[str, Any] = {
        "grid": {"shape_kji": list(reference.voxels.shape), "spacing_mm": list(reference.spacing_mm)},
        "coverage": float(inside[body].mean()),
        **_compared(reference.voxels, candidates, body, reference.spacing_mm, lpips),
    }
    box = _bounding_box(inside)
    seen = reference.voxels[box]
    if not inside.all() and min(seen.shape) >= WINDOW and body[box].any():
        within = {name: voxels[box] for name, voxels in candidates.items()}
        values["field_of_view"] = _compared(seen, within, body[box], reference.spacing_mm, None)
    if labels is not None:
        values["organs"] = _organ_metrics(reference, on_grid, labels, result_labels)
    if radiographs:
        values["reprojection_residual"] = _residuals(result, radiographs)
    values["lpips_weights"] = no_lpips or weights_sha256
    return values


def _compared(
    reference: NDArray[np.float32],
    candidates: Mapping[str, NDArray[np.float32]],
    body: Mask,
    spacing_mm: tuple[float, float, float],
    lpips: Lpips | None,
) -> dict[str, Any]:
    found = {name: _metrics(reference, v, body, spacing_mm, lpips) for name, v in candidates.items()}
    return {"result": found.pop("result"), "baselines": found}


def _metrics(
    reference: NDArray[np.float32],
    voxels: NDArray[np.float32],
    body: Mask,
    spacing_mm: tuple[float, float, float],
    lpips: Lpips | None,
) -> dict[str, Any]:
    values: dict[str, Any] = {
        "psnr_3d": psnr_3d(reference, voxels),
        "ssim_3d": ssim_3d(reference, voxels),
        "legacy_psnr": legacy_psnr(reference, voxels),
        "legacy_ssim": legacy_ssim(reference, voxels),
        "mae_hu": mean_absolute_error(reference, voxels),
        "mae_body_hu": mean_absolute_error(reference, voxels, body),
    }
    if lpips is not None:
        values["lpips"] = lpips_of_volumes(reference, voxels, lpips)
    own_body = body_mask(voxels)
    for name, tissue in (("lung", lung_mask), ("bone", bone_mask)):
        values |= _region_metrics(name, tissue(reference, body), tissue(voxels, own_body), spacing_mm)
    return values


def _region_metrics(name: str, true: Mask, found: Mask, spacing_mm: tuple[float, float, float]) -> dict[str, float]:
    distances = mask_surface_distances(true, found, spacing_mm[::-1])
    return {f"dice_{name}": dice(true, found), **distances.named(f"surface_{name}")}


def _organ_metrics(
    reference: Volume, voxels: NDArray[np.float32], labels: Volume, result_labels: Volume | None
) -> dict[str, dict[str, float]]:
    """By organ: error in HU within it and, with labels of the result, Dice and surface distances."""
    true_labels = _labels_onto(labels, reference)
    own_labels = None if result_labels is None else _labels_onto(result_labels, reference)
    organs = {}
    for name, numbers in ORGAN_LABELS.items():
        true = np.isin(true_labels, numbers)
        if not true.any():
            continue
        organs[name] = {"mae_hu": mean_absolute_error(reference.voxels, voxels, true)}
        if own_labels is not None:
            found = np.isin(own_labels, numbers)
            distances = mask_surface_distances(true, found, reference.spacing_mm[::-1])
            organs[name] |= {"dice": dice(true, found), **distances.named("surface")}
    return organs


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


def _onto(volume: Volume, grid: Volume) -> tuple[NDArray[np.float32], Mask]:
    """The volume on another grid, air outside its field of view, and where it has values."""
    shape = grid.voxels.shape
    seen = resample(replace(volume, voxels=np.ones_like(volume.voxels), quantity="share"), shape, grid.ijk_to_ras)
    return resample(replace(volume, quantity="HU"), shape, grid.ijk_to_ras).voxels, seen.voxels > 0.5


def _labels_onto(labels: Volume, grid: Volume) -> NDArray[np.float32]:
    return resample(replace(labels, quantity="label"), grid.voxels.shape, grid.ijk_to_ras).voxels


def _bounding_box(mask: Mask) -> tuple[slice, slice, slice]:
    spans = []
    for axis in range(3):
        occupied = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
        spans.append(slice(int(occupied[0]), int(occupied[-1]) + 1))
    return spans[0], spans[1], spans[2]
