"""Many simulated radiographs into files, reproducible from the manifest beside them."""

from __future__ import annotations

import glob
import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry, write_geometry_file
from XRayLib.radiograph.save import DICOM_SUFFIXES, geometry_file_beside, save_radiograph
from XRayLib.simulate.materials import REFERENCE_KEV
from XRayLib.simulate.poses import c_arm_views, random_view
from XRayLib.simulate.radiograph_simulation import realism_for, simulate_radiograph
from XRayLib.simulate.realism import LEVELS

MANIFEST = "dataset.jsonl"
MANIFEST_FORMAT = "xray3d.simulated/1"
FILE_NAME = re.compile(r"drr_\d{5,}\.[a-z.]+")


@dataclass(frozen=True)
class SimulationPlan:
    """What to simulate; one radiograph, or ``count`` of them. Angles in degrees, lengths in mm."""

    primary_angle_deg: float = 0.0
    secondary_angle_deg: float = 0.0
    isocenter_ras_mm: tuple[float, ...] | None = None
    """None: the middle of the CT."""
    source_to_detector_mm: float = 1020.0
    source_to_isocenter_mm: float = 700.0
    size_px: tuple[int, int] = (512, 512)
    pixel_spacing_mm: float | None = None
    """None: the CT fits on the detector."""
    energy_kev: float = REFERENCE_KEV
    realism: str = "none"
    seed: int = 0
    count: int = 1
    random_poses: bool = False
    device: str = "auto"
    suffix: str = ".dcm"
    """Of the files of a dataset."""

    def __post_init__(self) -> None:
        if not 0 < self.source_to_isocenter_mm < self.source_to_detector_mm:
            raise InputError("The isocentre must lie between source and detector: check the two distances.")
        if not all(1 <= n <= 8192 for n in self.size_px):
            raise InputError("A simulated radiograph has 1 to 8192 columns and rows.")
        if self.count < 1:
            raise InputError("At least one radiograph must be simulated: --count is 1 or more.")
        if not 15.0 <= self.energy_kev <= 150.0:
            raise InputError("The photon energy must be 15 to 150 keV.")
        if self.pixel_spacing_mm is not None and not self.pixel_spacing_mm > 0:
            raise InputError("The pixel spacing must be positive.")
        if self.realism not in LEVELS:
            raise InputError(f"The realism '{self.realism}' is not known: use one of {', '.join(LEVELS)}.")


def simulate_to_files(
    ct: Volume,
    plan: SimulationPlan,
    output: str | Path,
    progress: Callable[[float, str], None] = lambda _fraction, _stage: None,
) -> list[Path]:
    """Simulate and save; returns the images' paths.

    One radiograph goes to ``output`` (suffix chooses the format) with its geometry file. More go into the folder
    ``output``, numbered, with a line each in ``dataset.jsonl``: file, geometry, seed, parameters.
    """
    output = Path(output)
    if plan.count == 1:
        _save_one(ct, plan, 0, output)
        progress(1.0, "Simulating")
        return [output]
    if output.exists() and not output.is_dir():
        raise InputError(f"{output.name} is a file: {plan.count} radiographs need a folder.")
    output.mkdir(parents=True, exist_ok=True)
    _remove_former(output)
    written = []
    with (output / MANIFEST).open("w", encoding="utf-8") as manifest:
        for index in range(plan.count):
            path = output / f"drr_{index:05d}{plan.suffix}"
            manifest.write(json.dumps(_save_one(ct, plan, index, path)) + "\n")
            written.append(path)
            progress((index + 1) / plan.count, f"Simulating {index + 1} of {plan.count}")
    return written


def _remove_former(folder: Path) -> None:
    """The images that a manifest of ours names go, and it with them: they must not pass for ones of the new set."""
    manifest = folder / MANIFEST
    if not manifest.is_file():
        return
    with suppress(OSError, ValueError, KeyError, TypeError):
        for line in manifest.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            if entry["format"] == MANIFEST_FORMAT and FILE_NAME.fullmatch(entry["file"]):
                for file in (folder / entry["file"], geometry_file_beside(folder / entry["file"])):
                    file.unlink(missing_ok=True)
    manifest.unlink()


def _save_one(ct: Volume, plan: SimulationPlan, index: int, path: Path) -> dict:
    """Simulate and save radiograph ``index``; returns its line of the manifest."""
    seed = plan.seed + index
    geometry = _view(ct, plan, seed)
    radiograph = simulate_radiograph(
        ct, geometry, realism=plan.realism, seed=seed, energy_kev=plan.energy_kev, device=plan.device
    )
    realism = realism_for(plan.realism, seed)
    save_radiograph(radiograph, path, bone_dark=realism.bone_dark, study=f"simulation {plan.seed}")
    beside = geometry_file_beside(path)
    if path.name.lower().endswith(DICOM_SUFFIXES) and not _has_namesake(path, beside):
        write_geometry_file(geometry, beside)
    return {
        "format": MANIFEST_FORMAT,
        "file": path.name,
        "seed": seed,
        "energy_kev": plan.energy_kev if plan.realism == "none" else None,
        "primary_angle_deg": geometry.primary_angle_deg,
        "secondary_angle_deg": geometry.secondary_angle_deg,
        "ras_to_pixel": geometry.ras_to_pixel.tolist(),
        "realism": realism.as_dict(),
    }


def _view(ct: Volume, plan: SimulationPlan, seed: int) -> XRayGeometry:
    if plan.random_poses:
        return random_view(
            ct,
            np.random.default_rng([seed, 2]),
            size_px=plan.size_px,
            pixel_spacing_mm=plan.pixel_spacing_mm,
            isocenter_ras_mm=plan.isocenter_ras_mm,
        )
    (view,) = c_arm_views(
        ct,
        [(plan.primary_angle_deg, plan.secondary_angle_deg)],
        source_to_detector_mm=plan.source_to_detector_mm,
        source_to_isocenter_mm=plan.source_to_isocenter_mm,
        size_px=plan.size_px,
        pixel_spacing_mm=plan.pixel_spacing_mm,
        isocenter_ras_mm=plan.isocenter_ras_mm,
    )
    return view


def _has_namesake(image: Path, geometry_file: Path) -> bool:
    """Whether the geometry file may be that of another image, which needs it more than DICOM does."""
    stem = geometry_file.name.partition(".")[0]
    return any(other not in (image, geometry_file) for other in image.parent.glob(f"{glob.escape(stem)}.*"))
