"""Held-out patients: reconstruction from simulated films against the mean of the training volumes and against air."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from X2CTReconLib.canonical import FRONTAL, LATERAL, CanonicalCube
from XRayLib.case import Case
from XRayLib.ct import Volume, load_ct, remove_table, resample
from XRayLib.geometry import XRayGeometry
from XRayLib.metrics import evaluate_volume
from XRayLib.simulate import simulate_radiograph

from shared.patients import CACHE_SPACING_MM, Patient, load_patients

AIR_HU = -1000.0

PRIMARY_ANGLE_DEG = {FRONTAL: 0.0, LATERAL: 90.0}


@dataclass(frozen=True)
class Room:
    """Where the films are taken: distances and detector in mm and pixels."""

    name: str
    source_to_detector_mm: float
    source_to_isocenter_mm: float
    detector_px: int = 256
    pixel_mm: float = 1.68

    def geometry(self, role: str, isocenter_ras_mm: NDArray[np.float64]) -> XRayGeometry:
        """The room's frontal or lateral view."""
        return XRayGeometry.from_c_arm(
            primary_angle_deg=PRIMARY_ANGLE_DEG[role],
            secondary_angle_deg=0.0,
            source_to_detector_mm=self.source_to_detector_mm,
            source_to_isocenter_mm=self.source_to_isocenter_mm,
            size_px=(self.detector_px, self.detector_px),
            pixel_spacing_mm=(self.pixel_mm, self.pixel_mm),
            isocenter_ras_mm=isocenter_ras_mm,
        )


ROOMS = (Room("chest stand 1800/1600 mm", 1800.0, 1600.0), Room("C-arm 1020/700 mm", 1020.0, 700.0, pixel_mm=2.0))


Reconstruct = Callable[[Case], Volume]

METRICS = ("psnr_3d", "legacy_psnr", "legacy_ssim", "ssim_3d", "mae_body_hu", "dice_lung")


class TrainedOnChests(Protocol):
    """What a recipe tells of the CTs that a run was trained on."""

    data: Path
    patients: Mapping[str, float]
    output: Path
    edge_mm: float


def evaluate_patients(
    paths: Sequence[Path],
    reconstruct: Reconstruct,
    recipe: TrainedOnChests,
    views: Sequence[str],
    rooms: Sequence[Room] = ROOMS,
    realisms: Sequence[str] = ("none", "mild"),
) -> list[dict[str, Any]]:
    """The rows of :func:`evaluate_patient` of held-out CT files; the mean template is that of the training's chests."""
    if not paths:
        return []
    files = [recipe.data / name for name in recipe.patients if name.startswith("chest")]
    patients = load_patients(files, recipe.output.parent / "cache", [1.0] * len(files))
    template = mean_template(patients, recipe.edge_mm)
    return [
        row for path in paths for row in evaluate_patient(Path(path), reconstruct, template, views, rooms, realisms)
    ]


def evaluate_patient(
    path: Path,
    reconstruct: Reconstruct,
    template: Volume,
    views: Sequence[str],
    rooms: Iterable[Room] = ROOMS,
    realisms: Iterable[str] = ("none", "mild"),
) -> Iterator[dict[str, Any]]:
    """A row per room and realism: METRICS of the result, of the mean template and of air.

    The CT without its table is the reference, its middle the isocentre. ``template`` in HU around the origin.
    """
    ct = remove_table(load_ct(path))
    center = ct.center_ras_mm
    placed = Volume.axis_aligned(template.voxels, template.spacing_mm, center)
    for room in rooms:
        for realism in realisms:
            geometries = [room.geometry(role, center) for role in views]
            films = tuple(simulate_radiograph(ct, g, realism=realism, seed=1) for g in geometries)
            values = evaluate_volume(ct, reconstruct(Case(films)), template=placed)
            row: dict[str, Any] = {"patient": path.name.split(".")[0], "room": room.name, "realism": realism}
            for name, metrics in (("result", values["result"]), *values["baselines"].items()):
                if name != "water_body":
                    row[name] = {m: metrics[m] for m in METRICS}
            yield row


def markdown_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows as a table for a model card: result beside (template, air)."""
    lines = [
        "| patient | room | realism | PSNR-3D dB (template, air) | legacy PSNR (template) | legacy SSIM (template) "
        "| MAE body HU (template) | Dice lung (template) |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        result, template, air = row["result"], row["template"], row["air"]
        lines.append(
            f"| {row['patient']} | {row['room']} | {row['realism']} "
            f"| **{result['psnr_3d']:.2f}** ({template['psnr_3d']:.2f}, {air['psnr_3d']:.2f}) "
            f"| {result['legacy_psnr']:.2f} ({template['legacy_psnr']:.2f}) "
            f"| {result['legacy_ssim']:.3f} ({template['legacy_ssim']:.3f}) "
            f"| {result['mae_body_hu']:.0f} ({template['mae_body_hu']:.0f}) "
            f"| {result['dice_lung']:.2f} ({template['dice_lung']:.2f}) |"
        )
    return "\n".join(lines)


def mean_metrics(rows: Sequence[Mapping[str, Any]], date: str) -> list[dict[str, Any]]:
    """A manifest's ``eval_metrics``: means over the rows of each room and realism."""
    entries = []
    for room, realism in dict.fromkeys((row["room"], row["realism"]) for row in rows):
        group = [row for row in rows if (row["room"], row["realism"]) == (room, realism)]
        for metric, unit in (("psnr_3d", "dB"), ("legacy_psnr", "dB"), ("legacy_ssim", "1"), ("mae_body_hu", "HU")):
            entries.append(
                {
                    "dataset": f"simulated films of held-out chest CTs, {room}, realism {realism}",
                    "metric": metric,
                    "value": round(float(np.mean([row["result"][metric] for row in group])), 3),
                    "unit": unit,
                    "n": len(group),
                    "baseline": "mean template",
                    "baseline_value": round(float(np.mean([row["template"][metric] for row in group])), 3),
                    "date": date,
                }
            )
    return entries


def mean_template(patients: Iterable[Patient], edge_mm: float, size: int = 128) -> Volume:
    """Mean of the training volumes in HU around their middles, each only where its CT has data."""
    total, count = np.zeros((size,) * 3), np.zeros((size,) * 3)
    grid = CanonicalCube(np.zeros(3), edge_mm, size).volume(np.empty((size,) * 3, np.float32))
    for patient in patients:
        spacing = (CACHE_SPACING_MM,) * 3
        hu = Volume.axis_aligned(np.where(patient.body, patient.hu, AIR_HU).astype(np.float32), spacing)
        extent = Volume.axis_aligned(np.ones(hu.voxels.shape, np.float32), spacing, quantity="mu_per_mm")
        known = resample(extent, grid.voxels.shape, grid.ijk_to_ras, antialias=False).voxels > 0.5
        along = known.any(axis=(1, 2))[:, None, None]  # beside the CT is air, above and below is unknown
        total += resample(hu, grid.voxels.shape, grid.ijk_to_ras).voxels * along
        count += along
    mean = np.where(count > 0, total / np.maximum(count, 1), AIR_HU)
    return Volume(mean.astype(np.float32), grid.ijk_to_ras)
