"""The bundled radiographs are what the project's own phantom and simulation make."""

from __future__ import annotations

import numpy as np
import pydicom
from XRayLib.phantom.sample import FILMS, write_sample_radiographs
from XRayLib.radiograph import load_radiograph
from XRayLib.shared_files import shared_folder


def test_the_bundled_radiographs_can_be_made_again(tmp_path) -> None:
    for again in write_sample_radiographs(tmp_path):
        bundled = pydicom.dcmread(shared_folder("SampleData") / again.name).pixel_array.astype(float)
        made = pydicom.dcmread(again).pixel_array.astype(float)
        difference = np.abs(made - bundled).max() / np.ptp(bundled)
        assert difference < 1e-3  # last digits differ between processors


def test_the_bundled_radiographs_carry_their_geometry() -> None:
    for name, angle in FILMS.items():
        radiograph = load_radiograph(shared_folder("SampleData") / name)
        assert radiograph.geometry.assumed == ()
        assert abs(radiograph.geometry.primary_angle_deg - angle) < 1e-6
        assert radiograph.geometry.source_to_detector_mm == 1800.0
