"""Every volume metric of a result against the CT, beside trivial baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.metrics.common_grid import Mask, bounding_box, coarsened, onto
from XRayLib.metrics.compare_volumes import organ_metrics, volume_metrics
from XRayLib.metrics.perceptual import Lpips, installed_lpips, reason_against_lpips
from XRayLib.metrics.structure import WINDOW
from XRayLib.metrics.tissues import body_mask
from XRayLib.radiograph import Radiograph

AIR_HU = -1000.0


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
    reference = coarsened(reference)
    body = body_mask(reference.voxels)
    if not body.any():
        raise InputError("The reference holds no body (nothing above -300 HU): choose a CT in Hounsfield units.")
    lpips = lpips or installed_lpips()
    no_lpips = reason_against_lpips(reference.voxels.shape, lpips)
    weights_sha256 = lpips.sha256 if lpips else ""
    lpips = None if no_lpips else lpips
    on_grid, inside = onto(result, reference)
    if not (inside & body).any():
        raise InputError("The result lies outside of the reference's body: both must be in the same RAS frame.")
    candidates = {
        "result": on_grid,
        "air": np.full_like(reference.voxels, AIR_HU),
        "water_body": np.where(body, np.float32(0), np.float32(AIR_HU)),
    }
    if template is not None:
        candidates["template"] = onto(template, reference)[0]
    values: dict[str, Any] = {
        "grid": {"shape_kji": list(reference.voxels.shape), "spacing_mm": list(reference.spacing_mm)},
        "coverage": float(inside[body].mean()),
        **_compared(reference.voxels, candidates, body, reference.spacing_mm, lpips),
    }
    box = bounding_box(inside)
    seen = reference.voxels[box]
    if not inside.all() and min(seen.shape) >= WINDOW and body[box].any():
        within = {name: voxels[box] for name, voxels in candidates.items()}
        values["field_of_view"] = _compared(seen, within, body[box], reference.spacing_mm, None)
    if labels is not None:
        values["organs"] = organ_metrics(reference, on_grid, labels, result_labels)
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
    found = {name: volume_metrics(reference, v, body, spacing_mm, lpips) for name, v in candidates.items()}
    return {"result": found.pop("result"), "baselines": found}


def _residuals(result: Volume, radiographs: Sequence[Radiograph]) -> list[float]:
    from XRayLib.reprojection import reproject
    from XRayLib.tomography import shown_rays

    return [view.residual for view in reproject(result, radiographs, counted=shown_rays(radiographs))]
