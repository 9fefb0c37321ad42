"""The bundled radiographs are what the project's own phantom and simulation make."""

from __future__ import annotations

from bundled_films import largest_difference
from XRayLib.phantom.sample import FILMS, write_sample_radiographs
from XRayLib.radiograph import load_radiograph
from XRayLib.shared_files import shared_folder


def test_the_bundled_radiographs_can_be_made_again(tmp_path) -> None:
    for again in write_sample_radiographs(tmp_path):
        assert largest_difference(again, shared_folder("SampleData") / again.name) < 5e-3


def test_the_bundled_radiographs_carry_their_geometry() -> None:
    for name, angle in FILMS.items():
        radiograph = load_radiograph(shared_folder("SampleData") / name)
        assert radiograph.geometry.assumed == ()
        assert abs(radiograph.geometry.primary_angle_deg - angle) < 1e-6
        assert radiograph.geometry.source_to_detector_mm == 1800.0
