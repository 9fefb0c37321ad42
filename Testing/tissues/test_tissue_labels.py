"""Tissue probabilities become a label volume that lies where the volume does, in files and jobs alike."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from XRayLib.case import Result
from XRayLib.cli.reconstruct import save_result
from XRayLib.ct import Volume, load_volume
from XRayLib.ct.tissue_labels import TISSUES, tissue_labels
from XRayLib.errors import InputError
from XRayLib.jobs.case_files import read_result, write_result


def volume() -> Volume:
    return Volume.axis_aligned(np.zeros((16, 16, 16), np.float32), (3.0, 3.0, 3.0), (5.0, -7.0, 11.0))


def labels() -> Volume:
    """A bone in a corner of soft tissue, lung in another."""
    probabilities = np.full((4, 8, 8, 8), 0.1, np.float32)
    probabilities[2, 2:6, 2:6, 2:6] = 0.5
    probabilities[3, 2:4, 2:4, 2:3] = 0.9
    probabilities[1, 5, 5, 5] = 0.6
    probabilities[0, :2] = 0.4
    return tissue_labels(probabilities, volume())


def test_the_most_probable_tissue_lies_at_its_place() -> None:
    found = labels()
    assert found.quantity == "label"
    assert found.spacing_mm == pytest.approx((6.0, 6.0, 6.0))
    np.testing.assert_allclose(found.center_ras_mm, volume().center_ras_mm)
    assert found.voxels[3, 3, 2] == 3
    assert found.voxels[4, 4, 4] == 2
    assert found.voxels[5, 5, 5] == 1
    assert found.voxels[0, 0, 0] == 0


def test_every_tissue_has_a_number_a_colour_and_a_code() -> None:
    assert [tissue.number for tissue in TISSUES] == [1, 2, 3]
    assert all(re.fullmatch(r"\d{6,}", tissue.code[0]) for tissue in TISSUES)
    assert len({tissue.color for tissue in TISSUES}) == 3


def test_a_job_and_a_file_keep_them(tmp_path: Path) -> None:
    result = Result("lifting", volume(), labels=labels())
    write_result(tmp_path, result)
    back = read_result(tmp_path).labels
    np.testing.assert_array_equal(back.voxels, labels().voxels)
    np.testing.assert_allclose(back.ijk_to_ras, labels().ijk_to_ras)
    save_result(result, tmp_path / "v.nii.gz", None, tmp_path / "tissues.nii.gz")
    written = load_volume(tmp_path / "tissues.nii.gz", quantity="label")
    np.testing.assert_array_equal(written.voxels, labels().voxels)
    np.testing.assert_allclose(written.ijk_to_ras, labels().ijk_to_ras, atol=1e-4)


def test_a_method_without_tissues_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="tells no tissues: use atlas or lifting"):
        save_result(Result("x2ct-cnn", volume()), tmp_path / "v.nii.gz", None, tmp_path / "t.nii.gz")
