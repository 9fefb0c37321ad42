"""The sample for registration: the sample torso's CT and liver, and films of the same patient lying elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from XRayLib.ct import Volume
from XRayLib.phantom.labels import LIVER
from XRayLib.phantom.sample import SEED, sample_torso, write_films
from XRayLib.phantom.torso import torso_phantom

CT_FILE, LIVER_FILE = "torso_ct.nrrd", "torso_liver.vtp"
FILMS = {"moved_torso_pa.dcm": 0.0, "moved_torso_lateral.dcm": 90.0}
"""File name -> positioner primary angle, degrees."""
CT_SPACING_MM = 3.0
ROTATION_DEG = (6.0, -5.0, 9.0)
"""Of the patient about R, A and S, as one rotation vector."""
SHIFT_MM = (14.0, -9.0, 22.0)


def sample_ct_to_world(ct: Volume) -> NDArray[np.float64]:
    """(4, 4) from the sample CT's RAS to the RAS of its films: what a registration of the sample should find."""
    from XRayLib.projector.rigid import motion_from_twist

    return motion_from_twist((*np.deg2rad(ROTATION_DEG), *SHIFT_MM), ct.center_ras_mm)


def write_moved_sample(folder: Path) -> list[Path]:
    """CT, liver and films into a folder.

    The films are made from voxels of 2 mm with a texture of their own, so that they are not the CT's exact projections.
    """
    from XRayLib.ct.save import save_volume
    from XRayLib.mesh import organ_template
    from XRayLib.mesh.save import save_mesh

    patient = torso_phantom(SEED, CT_SPACING_MM)
    save_volume(patient.ct, folder / CT_FILE)
    save_mesh(organ_template(patient.labels, LIVER), folder / LIVER_FILE)
    return [folder / CT_FILE, folder / LIVER_FILE, *write_moved_films(folder)]


def write_moved_films(folder: Path) -> list[Path]:
    """Frontal and left lateral films of a C-arm with a detector of 43 cm, as DICOM, with a good detector's flaws."""
    fine = sample_torso()
    lying = Volume(fine.voxels, sample_ct_to_world(fine) @ fine.ijk_to_ras, fine.quantity)
    c_arm = {
        "isocenter_ras_mm": tuple(fine.center_ras_mm.tolist()),
        "source_to_detector_mm": 1200.0,
        "source_to_isocenter_mm": 800.0,
        "size_px": (384, 384),
        "pixel_spacing_mm": 1.12,
    }
    return write_films(lying, folder, FILMS, **c_arm)
