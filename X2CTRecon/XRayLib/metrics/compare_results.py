"""Two volumes beside each other: their difference, and a table of every metric when the truth is known."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.metrics.common_grid import onto
from XRayLib.metrics.evaluate_volume import evaluate_volume
from XRayLib.radiograph import Radiograph

BASELINES = {"air": "Air only", "water_body": "Body of water"}
"""Trivial volumes that every result is shown beside, and their columns."""

TITLES = {
    "psnr_3d": "PSNR-3D (dB)",
    "ssim_3d": "SSIM-3D",
    "legacy_psnr": "PSNR as X2CT-GAN's code (dB)",
    "legacy_ssim": "SSIM as X2CT-GAN's code",
    "mae_hu": "Mean absolute error (HU)",
    "mae_body_hu": "Mean absolute error in the body (HU)",
    "lpips": "LPIPS",
    "dice_lung": "Dice of the lungs",
    "dice_bone": "Dice of bone",
    "surface_lung_mm": "Surface distance of the lungs (mm)",
    "surface_bone_mm": "Surface distance of bone (mm)",
}
"""Rows of the table in their order, by the names of :func:`evaluate_volume`."""

SHARES = ("ssim_3d", "legacy_ssim", "lpips", "dice_lung", "dice_bone")
"""Metrics between 0 and 1, which fit one bar chart."""


@dataclass(frozen=True)
class MetricRow:
    """One metric of every candidate; ``values`` by column, without those that could not be measured."""

    title: str
    values: Mapping[str, float]
    is_share: bool
    """Whether it lies between 0 and 1."""


def difference(first: Volume, second: Volume) -> Volume:
    """``first - second`` in HU on the grid of the first, 0 where the second has no values.

    Raises InputError when the two do not overlap.
    """
    other, inside = onto(second, first)
    if not inside.any():
        raise InputError("The two volumes do not overlap: both must lie in the same place of the scene.")
    return Volume((first.voxels - other) * inside, first.ijk_to_ras, "HU")


def metric_rows(
    results: Mapping[str, Volume],
    reference: Volume | None,
    radiographs: Sequence[Radiograph] = (),
    progress: Callable[[float, str], None] = lambda _fraction, _stage: None,
) -> list[MetricRow]:
    """The metrics of named results and of trivial baselines against the reference, and what each X-ray holds against
    each of them.

    Parameters
    ----------
    results : name to volume in HU, in one RAS frame with the reference and the radiographs' geometries.
    reference : the true CT in HU; without it only the re-projection residuals are measured.
    radiographs : the X-rays; none: no residuals. All results are judged by the same rays, those through the length of
        the patient that the X-rays show.
    """
    from XRayLib.reprojection import reproject
    from XRayLib.tomography import shown_rays

    measured: dict[str, Mapping[str, Any]] = {}
    residuals: dict[str, list[float]] = {}
    counted = shown_rays(radiographs) if radiographs else ()
    for number, (name, volume) in enumerate(results.items()):
        if reference is not None:
            progress(number / len(results), f"Comparing {name} with the reference")
            found = evaluate_volume(reference, volume)
            measured[name] = {**found["result"], "coverage": found["coverage"]}
            measured |= {title: found["baselines"][key] for key, title in BASELINES.items()}
        if radiographs:
            progress((number + 0.8) / len(results), f"Projecting {name}")
            residuals[name] = [view.residual for view in reproject(volume, radiographs, counted=counted)]
    columns = [*results, *(name for name in measured if name not in results)]
    rows = [_row(title, key, columns, measured, key in SHARES) for key, title in TITLES.items()]
    rows.append(_row("Share of the body inside the volume", "coverage", columns, measured, False))
    for index in range(len(radiographs)):
        by_name = {name: {"residual": values[index]} for name, values in residuals.items()}
        rows.append(_row(f"X-ray {index + 1}: contrast not explained", "residual", columns, by_name, True))
    return [row for row in rows if row.values]


def _row(title: str, key: str, columns: Sequence[str], measured: Mapping[str, Any], is_share: bool) -> MetricRow:
    numbers = {name: measured.get(name, {}).get(key) for name in columns}
    return MetricRow(title, {n: float(v) for n, v in numbers.items() if v is not None and math.isfinite(v)}, is_share)
