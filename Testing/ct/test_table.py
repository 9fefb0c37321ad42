"""The table goes, the patient stays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from XRayLib.ct import Volume, body_mask, load_ct, remove_table
from XRayLib.errors import InputError

SPACING_MM = 3.0


def _patient_on_table() -> tuple[Volume, np.ndarray, np.ndarray]:
    """An elliptic trunk with lungs and an arm, lying on a table top, in contact with it."""
    k, j, i = np.indices((30, 100, 130))
    body = ((i - 60) / 45) ** 2 + ((j - 55) / 30) ** 2 < 1
    lungs = (((i - 42) / 13) ** 2 + ((j - 57) / 18) ** 2 < 1) | (((i - 78) / 13) ** 2 + ((j - 57) / 18) ** 2 < 1)
    arm = ((i - 118) / 7) ** 2 + ((j - 50) / 7) ** 2 < 1
    table = (abs(j - 24) < 1) & (i > 10) & (i < 115) & (k >= 0)
    hu = np.full(body.shape, -1000, np.float32)
    hu[table], hu[body], hu[arm], hu[lungs & body] = 150, 30, 20, -850
    return Volume.axis_aligned(hu, (SPACING_MM,) * 3), body | arm, table & ~body


def test_the_table_becomes_air_and_the_patient_stays() -> None:
    volume, patient, table = _patient_on_table()
    result = remove_table(volume)
    assert (result.voxels[table] == -1000).mean() > 0.98
    np.testing.assert_array_equal(result.voxels[patient], volume.voxels[patient])
    np.testing.assert_array_equal(result.ijk_to_ras, volume.ijk_to_ras)


def test_the_body_mask_includes_lungs_for_any_axis_order() -> None:
    volume, patient, table = _patient_on_table()
    prone_axes = volume.ijk_to_ras[:, [2, 1, 0, 3]]
    turned = Volume(np.ascontiguousarray(volume.voxels.transpose(2, 1, 0)), prone_axes)
    mask = body_mask(turned).transpose(2, 1, 0)
    assert mask[patient].all()
    assert mask[table].mean() < 0.02


def test_an_empty_scan_has_no_patient() -> None:
    with pytest.raises(InputError, match="no body"):
        remove_table(Volume.axis_aligned(np.full((9, 9, 9), -1000, np.float32), (3, 3, 3)))


@pytest.mark.real_data
def test_a_real_patient_keeps_its_tissue_and_loses_the_bench(patient_data: Path) -> None:
    volume = load_ct(patient_data / "ct" / "chest_lung1_002.nii.gz")
    mask = body_mask(volume)
    litres = (volume.voxels > -300)[mask].sum() * np.prod(volume.spacing_mm) * 1e-6
    assert 15 < litres < 17
    removed_litres = (volume.voxels > -300)[~mask].sum() * np.prod(volume.spacing_mm) * 1e-6
    assert 0.1 < removed_litres < 2
