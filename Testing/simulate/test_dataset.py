"""Simulated datasets: every file readable, every line of the manifest enough to make it again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pydicom
import pytest
from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.geometry import geometry_from_dicom, read_geometry_file
from XRayLib.simulate import SimulationPlan, simulate_radiograph, simulate_to_files


@pytest.fixture(scope="module")
def block() -> Volume:
    hu = np.full((20, 20, 20), -1000, np.float32)
    hu[4:16, 4:16, 4:16] = 40
    return Volume.axis_aligned(hu, (5.0, 5.0, 5.0))


def test_one_radiograph_carries_its_geometry_twice(block: Volume, tmp_path: Path) -> None:
    plan = SimulationPlan(primary_angle_deg=30, secondary_angle_deg=10, size_px=(40, 30), isocenter_ras_mm=(1, 2, 3))
    written = simulate_to_files(block, plan, tmp_path / "a.dcm")
    assert written == [tmp_path / "a.dcm"]
    geometry = geometry_from_dicom(pydicom.dcmread(tmp_path / "a.dcm"))
    assert geometry == read_geometry_file(tmp_path / "a.geometry.json")
    assert geometry.primary_angle_deg == pytest.approx(30)
    np.testing.assert_allclose(geometry.project([(1, 2, 3)])[0], (19.5, 14.5), atol=1e-6)


def test_a_dataset_is_reproducible_from_its_manifest(block: Volume, tmp_path: Path) -> None:
    plan = SimulationPlan(count=4, random_poses=True, realism="hard", seed=7, size_px=(48, 48), suffix=".nrrd")
    stages: list[float] = []
    written = simulate_to_files(block, plan, tmp_path / "set", lambda fraction, _: stages.append(fraction))
    assert stages == [0.25, 0.5, 0.75, 1.0]
    lines = [json.loads(line) for line in (tmp_path / "set" / "dataset.jsonl").read_text().splitlines()]
    assert [line["file"] for line in lines] == [path.name for path in written]
    assert len({line["primary_angle_deg"] for line in lines}) == 4
    for path, line in zip(written, lines, strict=True):
        geometry = read_geometry_file(path.with_suffix(".geometry.json"))
        np.testing.assert_array_equal(geometry.ras_to_pixel, line["ras_to_pixel"])
        again = simulate_radiograph(block, geometry, realism="hard", seed=line["seed"])
        assert again.geometry == geometry
        assert line["realism"]["level"] == "hard"
    first = (tmp_path / "set" / "drr_00000.nrrd").read_bytes()
    simulate_to_files(block, plan, tmp_path / "again")
    assert (tmp_path / "again" / "drr_00000.nrrd").read_bytes() == first


def test_inverted_films_say_so(block: Volume, tmp_path: Path) -> None:
    plan = SimulationPlan(count=8, realism="hard", size_px=(32, 32))
    written = simulate_to_files(block, plan, tmp_path / "set")
    lines = [json.loads(line) for line in (tmp_path / "set" / "dataset.jsonl").read_text().splitlines()]
    kinds = [pydicom.dcmread(path).PhotometricInterpretation for path in written]
    assert kinds == ["MONOCHROME1" if line["realism"]["bone_dark"] else "MONOCHROME2" for line in lines]
    assert len(set(kinds)) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"source_to_isocenter_mm": 2000.0},
        {"size_px": (0, 10)},
        {"size_px": (10, 100_000)},
        {"count": 0},
        {"energy_kev": 5.0},
        {"pixel_spacing_mm": -1.0},
        {"realism": "much"},
    ],
)
def test_impossible_plans_are_refused(wrong: dict) -> None:
    with pytest.raises(InputError):
        SimulationPlan(**wrong)


def test_many_radiographs_need_a_folder(block: Volume, tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_text("taken")
    with pytest.raises(InputError, match="folder"):
        simulate_to_files(block, SimulationPlan(count=2, size_px=(8, 8)), tmp_path / "a.dcm")
