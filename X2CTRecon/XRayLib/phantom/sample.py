"""The torso behind the bundled sample radiographs, and how the radiographs were made from it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from XRayLib.ct import Volume
from XRayLib.phantom.torso import torso_phantom

SEED = 7
SPACING_MM = 2.0
FILMS = {"torso_pa.dcm": 0.0, "torso_lateral.dcm": 90.0}
"""File name -> positioner primary angle, degrees."""


def sample_torso() -> Volume:
    """The CT of the sample torso, in HU."""
    return torso_phantom(SEED, SPACING_MM).ct


def write_sample_radiographs(folder: Path) -> list[Path]:
    """PA and left lateral films at a chest stand (source at 1800 mm), as DICOM, with the flaws of a good detector."""
    chest_stand = {
        "source_to_detector_mm": 1800.0,
        "source_to_isocenter_mm": 1600.0,
        "size_px": (512, 512),
        "pixel_spacing_mm": 0.86,
    }
    return write_films(sample_torso(), folder, FILMS, **chest_stand)


def write_films(ct: Volume, folder: Path, primary_angles_deg: Mapping[str, float], **room: Any) -> list[Path]:
    """Films of a CT as DICOM, with the flaws of a good detector and noise of their own.

    ``primary_angles_deg``: file name -> positioner primary angle. ``room``: the rest of the SimulationPlan.
    """
    from XRayLib.simulate import SimulationPlan, simulate_to_files

    written = []
    for seed, (name, primary_angle_deg) in enumerate(primary_angles_deg.items()):
        plan = SimulationPlan(primary_angle_deg=primary_angle_deg, realism="mild", seed=seed, **room)
        written += simulate_to_files(ct, plan, folder / name)
    return written
