"""The method from a case to a result, on the shipped bundle."""

from __future__ import annotations

import numpy as np
import pytest
from chests import chest, film
from X2CTReconLib.deformable_atlas import UNLIKE, tissues_by_density
from X2CTReconLib.population_atlas import StoredAtlas, atlas_bytes, stored_atlas
from XRayLib.bundle import installed_bundle
from XRayLib.case import Case, Options
from XRayLib.errors import InputError
from XRayLib.registry import method

PATIENT = chest(size=(1.0, 1.0, 0.95), place_mm=(0.0, -5.0, 5.0))


def progress(_fraction: float, _stage: str) -> None:
    """Nobody is watching."""


@pytest.fixture(scope="module")
def result():
    case = Case((film(PATIENT, 0.0), film(PATIENT, 90.0)))
    return method("atlas").run(case, Options(device="cpu"), progress)


def test_a_volume_with_its_deviation_and_tissues_explains_the_films(result):
    assert result.volume.quantity == "HU"
    assert result.volume.voxels.min() >= -1000
    assert result.uncertainty.quantity == "HU_sd"
    assert 20 < np.median(result.uncertainty.voxels) < 500
    assert set(np.unique(result.labels.voxels)) <= {0, 1, 2, 3}
    assert result.quality["reprojection_residual_1"] < 0.2
    assert result.quality["deformation_p95_mm"] > 1
    np.testing.assert_allclose(result.volume.center_ras_mm, 0, atol=0.1)
    assert result.provenance["bundle"]["id"] == "lifting-chest"


def test_what_it_cannot_show_is_said(result):
    assert any("Never read pathology" in text for text in result.warnings)
    assert any("agreement with the films is then no" in text for text in result.warnings)
    assert UNLIKE not in result.warnings


def test_someone_unlike_the_atlas_is_told():
    child = chest(size=(0.6, 0.55, 0.55))
    found = method("atlas").run(Case((film(child, 0.0), film(child, 90.0))), Options(device="cpu"), progress)
    assert UNLIKE in found.warnings


def test_one_film_is_less_certain_than_two(result):
    one = method("atlas").run(Case((film(PATIENT, 0.0),)), Options(device="cpu"), progress)
    assert one.uncertainty.voxels.mean() > result.uncertainty.voxels.mean()


def test_models_without_an_atlas_are_refused():
    case = Case((film(PATIENT, 0.0),))
    with pytest.raises(InputError, match="not made for"):
        method("atlas").run(case, Options(device="cpu", bundle="x2ct-cnn-chest-1view"), progress)
    with pytest.raises(InputError, match="no average patient"):
        stored_atlas(installed_bundle("henzler-chest-1view"))


def test_an_atlas_is_stored_to_a_few_hu():
    class InMemory:
        manifest = {"files": [{"path": "atlas.npz"}]}  # noqa: RUF012

        @staticmethod
        def read(_role: str) -> bytes:
            return atlas_bytes(StoredAtlas(chest(), np.full((8, 8, 8), 123.0, np.float32), 416.0))

    found = stored_atlas(InMemory)
    np.testing.assert_allclose(found.hu, chest(), atol=2.01)
    np.testing.assert_allclose(found.deviation_hu, 123, atol=2)
    assert found.edge_mm == 416


def test_densities_are_told_apart():
    hu = np.full((1, 20, 20), -1000, np.float32)
    hu[0, 2:18, 2:18] = -700  # air and skin share these voxels
    hu[0, 3:17, 3:17] = 40
    hu[0, 7:13, 7:13] = -700
    hu[0, 15, 10] = 600
    found = tissues_by_density(hu)[0]
    assert [found[place] for place in ((0, 0), (2, 10), (10, 10), (5, 5), (15, 10))] == [0, 0, 1, 2, 3]
