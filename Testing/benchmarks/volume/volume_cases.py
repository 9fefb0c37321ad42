"""Held-out patients: reference, films, an earlier CT, and the mean of the training CTs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage
from XRayLib.ct import Volume, load_ct, remove_table, resample_isotropic
from XRayLib.geometry import XRayGeometry
from XRayLib.radiograph import Radiograph
from XRayLib.simulate import simulate_radiograph

TRAINING = Path(__file__).resolve().parents[3] / "models" / "training"
HELD_OUT = ("chest_lidc0580", "chest_lung1_001", "chest_lung1_002", "chest_rider0109")
TRAINED_ON = (
    "lidc0001",
    "lidc0002",
    "lidc0003",
    "lctsc104",
    "cmbcrc_01068",
    "lungdx_a0001",
    "nlst112516",
    "acrinflt_013",
)
"""Chests only."""

DISPLACEMENT_MM, NODES, LUNG_CHANGE_HU = 8.0, 6, 40.0
EARLIER_SPACING_MM = 2.0
TEMPLATE_EDGE_MM = 416.0


@dataclass(frozen=True, eq=False)
class VolumeCase:
    """One patient and the films of one set of angles."""

    name: str
    reference: Volume
    films: tuple[Radiograph, ...]
    earlier: Volume
    template: Volume | None


def volume_case(file: Path, angles_deg: Sequence[float], realism: str, template: Volume | None) -> VolumeCase:
    """The patient of a CT file; ``template`` is given around the origin."""
    reference = remove_table(load_ct(file))
    center = reference.center_ras_mm
    films = tuple(simulate_radiograph(reference, _view(angle, center), realism=realism, seed=1) for angle in angles_deg)
    placed = None if template is None else Volume.axis_aligned(template.voxels, template.spacing_mm, center)
    return VolumeCase(file.name.split(".")[0], reference, films, earlier_ct(reference, seed=2), placed)


def earlier_ct(ct: Volume, seed: int) -> Volume:
    """The patient at another time: every point displaced smoothly, the lungs a little denser."""
    coarse = resample_isotropic(ct, EARLIER_SPACING_MM)
    rng, shape = np.random.default_rng(seed), coarse.voxels.shape
    places = np.indices(shape, dtype=np.float32)
    for axis in range(3):
        control = rng.standard_normal((NODES,) * 3)
        field = ndimage.zoom(control, [n / NODES for n in shape], order=3, mode="nearest")
        places[axis] += field / field.std() * DISPLACEMENT_MM / EARLIER_SPACING_MM
    hu = ndimage.map_coordinates(coarse.voxels, places, order=1, mode="nearest")
    hu += LUNG_CHANGE_HU * ((hu > -950) & (hu < -500))
    return Volume(hu.astype(np.float32), coarse.ijk_to_ras)


def training_template(data: Path, cache: Path) -> Volume:
    """Mean of the chests that the shipped networks were trained on, around the origin."""
    sys.path.insert(0, str(TRAINING))
    from shared.evaluation import mean_template
    from shared.patients import load_patients

    files = [data / f"chest_{name}.nii.gz" for name in TRAINED_ON]
    return mean_template(load_patients(files, cache, [1.0] * len(files)), TEMPLATE_EDGE_MM)


def _view(angle_deg: float, center_ras_mm: np.ndarray) -> XRayGeometry:
    return XRayGeometry.from_c_arm(
        primary_angle_deg=angle_deg,
        secondary_angle_deg=0.0,
        source_to_detector_mm=1800.0,
        source_to_isocenter_mm=1600.0,
        size_px=(256, 256),
        pixel_spacing_mm=(1.68, 1.68),
        isocenter_ras_mm=center_ras_mm,
    )
