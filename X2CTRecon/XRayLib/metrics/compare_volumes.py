"""The volume metrics of one candidate on the reference's grid."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from XRayLib.ct import Volume
from XRayLib.metrics.common_grid import Mask, labels_onto
from XRayLib.metrics.intensity import mean_absolute_error, psnr_3d
from XRayLib.metrics.legacy import legacy_psnr, legacy_ssim
from XRayLib.metrics.overlap import dice
from XRayLib.metrics.perceptual import Lpips, lpips_of_volumes
from XRayLib.metrics.structure import ssim_3d
from XRayLib.metrics.surface_distance import mask_surface_distances
from XRayLib.metrics.tissues import ORGAN_LABELS, bone_mask, lung_mask


def volume_metrics(
    reference: NDArray[np.float32],
    voxels: NDArray[np.float32],
    body: Mask,
    spacing_mm: tuple[float, float, float],
    lpips: Lpips | None,
) -> dict[str, Any]:
    """Every metric of ``voxels`` against ``reference``, both (k, j, i) in HU; see :func:`evaluate_volume`.

    ``body`` is that of the reference; lung and bone of both are what their thresholds find inside it, because the body
    wall of a reconstruction may be too faint to enclose the lungs.
    """
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
    for name, tissue in (("lung", lung_mask), ("bone", bone_mask)):
        values |= _region_metrics(name, tissue(reference, body), tissue(voxels, body), spacing_mm)
    return values


def _region_metrics(name: str, true: Mask, found: Mask, spacing_mm: tuple[float, float, float]) -> dict[str, float]:
    distances = mask_surface_distances(true, found, spacing_mm[::-1])
    return {f"dice_{name}": dice(true, found), **distances.named(f"surface_{name}")}


def organ_metrics(
    reference: Volume, voxels: NDArray[np.float32], labels: Volume, result_labels: Volume | None
) -> dict[str, dict[str, float]]:
    """By organ: error in HU within it and, with labels of the result, Dice and surface distances."""
    true_labels = labels_onto(labels, reference)
    own_labels = None if result_labels is None else labels_onto(result_labels, reference)
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
