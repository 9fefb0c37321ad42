"""The procedural torso is one plausible patient per seed, the right way round."""

from __future__ import annotations

import numpy as np
import pytest
from XRayLib.errors import InputError
from XRayLib.phantom import BodyPlan, TorsoPhantom, labels, torso_phantom

SPACING_MM = 5.0


@pytest.fixture(scope="module")
def torso() -> TorsoPhantom:
    return torso_phantom(4, SPACING_MM)


def _centroid_ras(torso: TorsoPhantom, *numbers: int) -> np.ndarray:
    k, j, i = np.nonzero(np.isin(torso.labels.voxels, numbers))
    assert len(k) > 10, "structure is missing"
    return (torso.labels.ijk_to_ras @ (i.mean(), j.mean(), k.mean(), 1))[:3]


def _millilitres(torso: TorsoPhantom, *numbers: int) -> float:
    return np.isin(torso.labels.voxels, numbers).sum() * np.prod(torso.labels.spacing_mm) / 1000


def test_organs_lie_where_they_belong(torso: TorsoPhantom) -> None:
    heart, liver, spleen = (_centroid_ras(torso, n) for n in (labels.HEART, labels.LIVER, labels.SPLEEN))
    spine, sternum = _centroid_ras(torso, labels.VERTEBRAE["T7"]), _centroid_ras(torso, labels.STERNUM)
    assert heart[0] < -5, "the heart is to the left"
    assert liver[0] > 20 and spleen[0] < -40, "liver right, spleen left"
    assert spine[1] < heart[1] < sternum[1], "spine behind, sternum in front"
    lungs = _centroid_ras(torso, *labels.LUNG_LOBES)
    assert lungs[2] > liver[2], "lungs above the liver"
    heights = [_centroid_ras(torso, labels.VERTEBRAE[f"T{n}"])[2] for n in range(1, 13)]
    assert (np.diff(heights) < -15).all()


def test_organs_have_adult_sizes() -> None:
    for seed in (1, 2, 3):
        torso = torso_phantom(seed, SPACING_MM)
        assert 2500 < _millilitres(torso, *labels.LUNG_LOBES) < 9000
        assert 800 < _millilitres(torso, labels.LIVER) < 2800
        assert 350 < _millilitres(torso, labels.HEART) < 1100


def test_all_ribs_slope_down_to_the_front_on_both_sides() -> None:
    torso = torso_phantom(4, 3.0)
    for right in (False, True):
        for number in range(2, 10):
            k, j, _ = np.nonzero(torso.labels.voxels == labels.rib(number, right))
            assert len(k) > 20
            front, back = k[j >= np.quantile(j, 0.9)].mean(), k[j <= np.quantile(j, 0.1)].mean()
            assert front < back


def test_values_are_hounsfield_units_in_air(torso: TorsoPhantom) -> None:
    hu = torso.ct.voxels
    assert hu.min() >= -1030 and 500 < hu.max() < 2000
    assert (hu[:, 0, 0] == -1000).all()
    assert -950 < np.median(hu[np.isin(torso.labels.voxels, labels.LUNG_LOBES)]) < -700
    assert torso.ct.quantity == "HU" and torso.labels.quantity == "label"


def test_a_seed_is_a_patient(torso: TorsoPhantom) -> None:
    np.testing.assert_array_equal(torso_phantom(4, SPACING_MM).ct.voxels, torso.ct.voxels)
    assert torso_phantom(5, SPACING_MM).plan != torso.plan


def test_the_voxel_size_changes_the_sampling_not_the_patient(torso: TorsoPhantom) -> None:
    fine = torso_phantom(4, SPACING_MM / 2)
    for structure in (labels.LIVER, labels.HEART, *labels.LUNG_LOBES):
        np.testing.assert_allclose(_centroid_ras(fine, structure), _centroid_ras(torso, structure), atol=3)
        assert _millilitres(fine, structure) == pytest.approx(_millilitres(torso, structure), rel=0.06)


def test_a_given_plan_is_followed() -> None:
    thin, large = (torso_phantom(1, SPACING_MM, plan=BodyPlan(fat_mm=f)) for f in (5.0, 40.0))
    assert (large.ct.voxels > -500).sum() > 1.15 * (thin.ct.voxels > -500).sum()
    hanging = torso_phantom(1, SPACING_MM, plan=BodyPlan(arms=True))
    assert hanging.ct.voxels.shape[2] > thin.ct.voxels.shape[2]


def test_an_impossible_voxel_size_is_refused() -> None:
    with pytest.raises(InputError, match="voxel size"):
        torso_phantom(1, 0.01)
