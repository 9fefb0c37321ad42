"""The lifting method from a case to a result, on a bundle made by the exporter and on the shipped one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from small_lifting import SIDE, c_arm, shot, small_network
from X2CTReconLib.population_atlas import StoredAtlas
from XRayLib.case import Case, Options
from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.registry import method

CENTER = (10.0, -20.0, 30.0)


def progress(_fraction: float, _stage: str) -> None:
    """Nobody is watching."""


@pytest.fixture(scope="module")
def small_bundle(tmp_path_factory) -> Path:
    """Random weights, in a folder of the user's models."""
    pytest.importorskip("torch")
    pytest.importorskip("onnx")
    from lifting.bundle_writer import write_bundle
    from lifting.network import Widths
    from lifting.recipe import Recipe

    recipe = Recipe(
        "s", Path("o"), Path("d"), {}, 1.0, edge_mm=416.0, side=SIDE, widths=Widths((8, 8, 8, 8), (8, 8, 8, 8))
    )
    folder = tmp_path_factory.mktemp("models") / "small-lifting"
    atlas = StoredAtlas(water_body(), np.full((SIDE, SIDE, SIDE), 100, np.float32), 416.0)
    write_bundle(small_network(), recipe, folder, (), atlas, version="0.1.0", commit="abcdef0", spent="nothing")
    return folder


@pytest.fixture(autouse=True)
def users_models(small_bundle, monkeypatch) -> None:
    monkeypatch.setenv("XRAY3D_MODELS", str(small_bundle.parent))


def water_body() -> np.ndarray:
    """HU (32, 32, 32) of an average patient: a box of water."""
    hu = np.full((SIDE,) * 3, -1000, np.float32)
    hu[6:26, 10:22, 8:24] = 0
    return hu


def water() -> Volume:
    mu = np.zeros((24, 24, 24), np.float32)
    mu[4:20, 7:17, 5:19] = 0.02
    return Volume.axis_aligned(mu, (15.0,) * 3, CENTER, "mu_per_mm")


def films(*angles: tuple[float, float]) -> tuple:
    return tuple(shot(water(), c_arm(*angle, pixels=80)) for angle in angles)


def test_a_written_bundle_passes_its_own_parity(small_bundle):
    from XRayLib.bundle import load_bundle
    from XRayLib.runtime import verify_bundle

    assert all(check.passed for check in verify_bundle(load_bundle(small_bundle), "cpu").checks)


@pytest.mark.parametrize("angles", [((0, 0),), ((0, 0), (60, 10)), ((-30, 0), (45, 20), (120, 0))])
def test_films_at_any_angles_become_a_volume_with_its_deviation(angles):
    result = method("lifting").run(Case(films(*angles)), Options(device="cpu", bundle="small-lifting"), progress)
    assert result.volume.voxels.shape == result.uncertainty.voxels.shape == (2 * SIDE,) * 3
    assert result.volume.spacing_mm == pytest.approx((6.5,) * 3)
    np.testing.assert_allclose(result.volume.center_ras_mm, CENTER, atol=1e-6)
    np.testing.assert_allclose(result.uncertainty.ijk_to_ras, result.volume.ijk_to_ras)
    assert result.uncertainty.quantity == "HU_sd"
    assert result.uncertainty.voxels.min() > 0
    assert result.volume.voxels.min() >= -1000
    assert len(result.views) == len(angles)
    assert {"lung_litres", "soft_tissue_litres", "bone_litres", "mean_deviation_hu"} <= set(result.quality)
    assert any("guess" in warning for warning in result.warnings)
    provenance = json.loads(json.dumps(result.provenance))
    assert provenance["bundle"]["id"] == "small-lifting"
    assert len(provenance["views"]) == len(angles)


def test_the_order_of_the_films_does_not_matter():
    both, options = films((0, 0), (75, 0)), Options("cpu", "small-lifting", extra={"consistent": False})
    one, other = (method("lifting").run(Case(case), options, progress) for case in (both, both[::-1]))
    np.testing.assert_array_equal(one.volume.voxels, other.volume.voxels)


def test_a_volume_is_made_consistent_unless_asked_not_to():
    case = Case(films((0, 0), (75, 0)))
    asked, unasked = (
        method("lifting").run(case, Options("cpu", "small-lifting", extra=extra), progress)
        for extra in ({"consistent": True}, {})
    )
    np.testing.assert_array_equal(asked.volume.voxels, unasked.volume.voxels)
    assert any("projects to the films" in text for text in unasked.warnings)


def test_a_consistent_volume_agrees_better_with_its_films():
    case = Case(films((0, 0), (90, 0)))
    plain, consistent = (
        method("lifting").run(case, Options("cpu", "small-lifting", extra={"consistent": c}), progress)
        for c in (False, True)
    )
    for n in (1, 2):
        name = f"reprojection_residual_{n}"
        assert consistent.quality[name] < plain.quality[name]


def test_models_of_other_methods_are_refused():
    with pytest.raises(InputError, match="not made for"):
        method("lifting").run(Case(films((0, 0))), Options(device="cpu", bundle="x2ct-cnn-chest-1view"), progress)
    with pytest.raises(InputError, match="not made for"):
        method("x2ct-cnn").run(Case(films((0, 0))), Options(device="cpu", bundle="small-lifting"), progress)


def test_too_many_films_are_refused():
    with pytest.raises(InputError, match="needs 1 to 8"):
        method("lifting").check(Case(films(*[(0, 0)] * 9)))


def test_the_default_bundle_is_shipped_and_better_than_the_mean_patient(repository):
    manifest = json.loads((repository / "models" / method("lifting").default_bundle / "model.json").read_text())
    assert manifest["methods"] == ["lifting", "atlas"]
    assert max(entry["size_bytes"] for entry in manifest["files"]) < 15e6
    assert manifest["inputs"]["films"]["shape"][0] == "views"
    measured = [entry for entry in manifest["eval_metrics"] if entry["metric"] == "psnr_3d"]
    assert measured
    assert all(entry["value"] > entry["baseline_value"] for entry in measured)
