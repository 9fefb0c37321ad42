"""Geometry files keep every digit, tolerate what they do not know and refuse what is no geometry."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry, read_geometry_and_intensity, read_geometry_file, write_geometry_file


@pytest.fixture
def geometry() -> XRayGeometry:
    return XRayGeometry.from_c_arm(
        primary_angle_deg=31.7,
        secondary_angle_deg=-12.3,
        source_to_detector_mm=1020.0,
        source_to_isocenter_mm=700.0,
        size_px=(300, 200),
        pixel_spacing_mm=(0.7, 0.9),
        isocenter_ras_mm=(1.0, 2.0, 3.0),
        assumed=("distance",),
    )


def test_reading_gives_back_the_same_numbers(geometry: XRayGeometry, tmp_path: Path) -> None:
    path = tmp_path / "a.geometry.json"
    write_geometry_file(geometry, path, intensity="transmission", scale=2.5e-4)
    read = read_geometry_and_intensity(path)
    np.testing.assert_array_equal(read.geometry.ras_to_pixel, geometry.ras_to_pixel)
    assert read.geometry.size_px == geometry.size_px
    assert read.geometry.pixel_spacing_mm == geometry.pixel_spacing_mm
    assert read.geometry.source_to_isocenter_mm == 700.0
    assert read.geometry.assumed == ("distance",)
    assert read.geometry.frame == geometry.frame
    assert (read.intensity, read.scale) == ("transmission", 2.5e-4)


def test_optional_keys_may_be_absent_and_unknown_keys_present(geometry: XRayGeometry, tmp_path: Path) -> None:
    path = tmp_path / "a.geometry.json"
    write_geometry_file(replace(geometry, source_to_isocenter_mm=None, assumed=()), path)
    document = json.loads(path.read_text())
    assert set(document) == {
        "format",
        "ras_to_pixel",
        "size_px",
        "pixel_spacing_mm",
        "source_to_detector_mm",
        "frame",
    }
    path.write_text(json.dumps({**document, "comment": 1, "intensity": "auto"}))
    read = read_geometry_and_intensity(path)
    assert read.geometry == geometry
    assert (read.geometry.source_to_isocenter_mm, read.intensity, read.scale) == (None, None, None)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format": "xray3d.geometry/2"}, "format"),
        ({"format": None}, "format"),
        ({"ras_to_pixel": [[1, 2], [3, 4]]}, "3x4"),
        ({"ras_to_pixel": "camera"}, "wrong kind"),
        ({"ras_to_pixel": [[float("nan")] * 4] * 3}, "finite"),
        ({"ras_to_pixel": [[1, 2, 3], 4, 5]}, "wrong kind"),
        ({"size_px": [200]}, "two numbers"),
        ({"size_px": [200, -3]}, "positive"),
        ({"size_px": [200.5, 100]}, "whole numbers"),
        ({"pixel_spacing_mm": [0, 1]}, "positive"),
        ({"pixel_spacing_mm": ["1", 1]}, "positive"),
        ({"source_to_detector_mm": True}, "positive"),
        ({"source_to_detector_mm": 2000.0}, "contradicts"),
        ({"source_to_isocenter_mm": -5}, "positive"),
        ({"scale": 0}, "positive"),
        ({"intensity": "bright"}, "intensity"),
    ],
)
def test_what_is_no_geometry_is_refused(
    geometry: XRayGeometry, tmp_path: Path, change: dict[str, object], sentence: str
) -> None:
    path = tmp_path / "a.geometry.json"
    write_geometry_file(geometry, path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(InputError, match=sentence):
        read_geometry_file(path)


@pytest.mark.parametrize("text", ["", "[]", "{}", "{", "[" * 100_000, "\x00" * 2_000_000])
def test_garbage_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.geometry.json"
    path.write_text(text)
    with pytest.raises(InputError):
        read_geometry_file(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_geometry_file(tmp_path / "a.geometry.json")


@pytest.mark.real_data
def test_reference_files_agree_with_c_arm_angles(patient_data: Path) -> None:
    files = sorted((patient_data / "golden").glob("*.geometry.json"))
    assert len(files) == 6
    for path in files:
        document = json.loads(path.read_text())
        from_angles = XRayGeometry.from_c_arm(
            primary_angle_deg=document["primary_angle_deg"],
            secondary_angle_deg=document["secondary_angle_deg"],
            source_to_detector_mm=document["source_to_detector_mm"],
            source_to_isocenter_mm=document["source_to_isocenter_mm"],
            size_px=tuple(document["size_px"]),
            pixel_spacing_mm=tuple(document["pixel_spacing_mm"]),
            isocenter_ras_mm=document["isocenter_ras_mm"],
        )
        read = read_geometry_file(path)
        offsets_mm = np.array([[0, 0, 0], [90, 0, 0], [0, 90, 0], [0, 0, 90]])
        corners = offsets_mm + document["isocenter_ras_mm"]
        np.testing.assert_allclose(read.project(corners), from_angles.project(corners), atol=1e-3)
        np.testing.assert_allclose(read.source_ras_mm, document["source_ras_mm"], atol=1e-6)
        assert read.source_to_isocenter_mm == document["source_to_isocenter_mm"]
