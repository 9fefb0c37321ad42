"""Difference and table of metrics of two results, on volumes whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.metrics.compare_results import BASELINES, difference, metric_rows


def a_chest(soft_hu: float = 0.0) -> Volume:
    voxels = np.full((24, 26, 28), -1000, np.float32)
    voxels[2:-2, 3:-3, 3:-3] = soft_hu
    voxels[6:-6, 7:-7, 6:12] = -850
    voxels[6:-6, 7:-7, 16:22] = -850
    voxels[4:-4, 19:22, 13:15] = 700
    return Volume.axis_aligned(voxels, (5.0, 5.0, 5.0))


def values_of(rows, title: str) -> dict[str, float]:
    return dict(next(row for row in rows if row.title == title).values)


def test_the_difference_is_first_minus_second_on_the_first_grid() -> None:
    first = a_chest(60.0)
    finer = Volume.axis_aligned(np.repeat(np.repeat(a_chest().voxels, 2, 1), 2, 2), (2.5, 2.5, 5.0))
    found = difference(first, finer)
    assert found.voxels.shape == first.voxels.shape
    assert found.voxels[3, 5, 13] == pytest.approx(60.0, abs=1.0)
    assert found.voxels[12, 13, 8] == pytest.approx(0.0, abs=1.0)


def test_outside_of_the_second_nothing_differs() -> None:
    first = a_chest()
    half = Volume(first.voxels[:12] + 100, first.ijk_to_ras)
    found = difference(first, half).voxels
    np.testing.assert_allclose(found[:11], -100, atol=1e-3)
    assert not found[13:].any()


def test_volumes_apart_are_refused() -> None:
    far = Volume.axis_aligned(a_chest().voxels, (5.0, 5.0, 5.0), (900.0, 0.0, 0.0))
    with pytest.raises(InputError, match="do not overlap"):
        difference(a_chest(), far)


def test_the_better_result_has_the_better_numbers_beside_trivial_volumes() -> None:
    rows = metric_rows({"A": a_chest(20.0), "B": a_chest(200.0)}, a_chest())
    psnr, error = values_of(rows, "PSNR-3D (dB)"), values_of(rows, "Mean absolute error in the body (HU)")
    assert list(psnr) == ["A", "B", *BASELINES.values()]
    assert psnr["A"] > psnr["B"] + 10
    assert psnr["B"] > psnr["Air only"]
    assert error["A"] < 20.1 < error["B"]
    assert values_of(rows, "Dice of the lungs")["A"] == pytest.approx(1.0, abs=0.02)
    assert values_of(rows, "Share of the body inside the volume") == {"A": 1.0, "B": 1.0}


def test_without_a_reference_only_the_films_are_held_against_the_results() -> None:
    from modules.films import a_ct, a_geometry
    from XRayLib.ct import attenuation_from_hu
    from XRayLib.projector import project
    from XRayLib.radiograph import Radiograph

    truth = a_ct()
    attenuation = Volume(attenuation_from_hu(truth.voxels), truth.ijk_to_ras, "mu_per_mm")
    film = Radiograph(project(attenuation, [a_geometry(0.0)])[0], a_geometry(0.0), calibrated=True)
    flat = Volume(np.where(truth.voxels > -500, 0, -1000), truth.ijk_to_ras)
    rows = metric_rows({"A": truth, "B": flat}, None, [film])
    assert [row.title for row in rows] == ["X-ray 1: contrast not explained"]
    assert rows[0].values["A"] < 0.01 < rows[0].values["B"]
