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
        # The last digits of a projection differ between processors, and with them single noise draws: compare means.
        blocks = [image.reshape(64, 8, 64, 8).mean(axis=(1, 3)) for image in (made, bundled)]
        assert np.abs(blocks[0] - blocks[1]).max() / np.ptp(bundled) < 5e-3


def test_the_bundled_radiographs_carry_their_geometry() -> None:
    for name, angle in FILMS.items():
        radiograph = load_radiograph(shared_folder("SampleData") / name)
        assert radiograph.geometry.assumed == ()
        assert abs(radiograph.geometry.primary_angle_deg - angle) < 1e-6
        assert radiograph.geometry.source_to_detector_mm == 1800.0
