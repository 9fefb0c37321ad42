"""NeRP on a patient in whom something has grown since the earlier CT."""

from __future__ import annotations

import dataclasses
import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nerp_cases import MASS_RADIUS_MM, MASS_RAS_MM, case_of, ct_now, earlier_ct, films
from XRayLib.case import Case, Options, Result
from XRayLib.ct import Volume
from XRayLib.errors import CancelledError, InputError, MissingDependencyError
from XRayLib.metrics.intensity import psnr_3d
from XRayLib.radiograph import Radiograph
from XRayLib.registry import method

SMALL = {"grid_voxels": 32, "embedding_iterations": 150, "embedding_batch": 2048, "iterations": 60}
LARGEST_LOSS_DB = 0.5
"""How much worse than the unchanged CT two views may make it, PSNR-3D."""


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Embeddings of this module, away from the user's; shared, as they would be for one patient."""
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XRAY3D_CACHE", str(folder))
        yield folder


def run(case: Case, progress: Any = lambda fraction, stage: None, **extra: Any) -> Result:
    nerp = method("nerp")
    nerp.check(case)
    return nerp.run(case, Options(device="cpu", extra={**SMALL, **extra}), progress)


def residuals(result: Result, of: str) -> np.ndarray:
    return np.array([result.quality[f"{of}_residual_{n}"] for n in range(1, len(result.views) + 1)])


@pytest.fixture(scope="module")
def twelve_views() -> Result:
    return run(case_of(12))


def test_many_views_show_the_change(twelve_views: Result) -> None:
    truth = ct_now().voxels
    assert psnr_3d(truth, twelve_views.volume.voxels) > psnr_3d(truth, earlier_ct().voxels) + 3
    assert residuals(twelve_views, "reprojection").mean() < residuals(twelve_views, "prior").mean() / 3


def test_the_mass_is_where_it_grew(twelve_views: Result) -> None:
    before = earlier_ct()
    change = np.maximum(twelve_views.volume.voxels - before.voxels, 0).astype(float)
    places = [np.average(index, weights=change**2) for index in np.indices(change.shape)[::-1]]
    found = before.ijk_to_ras[:3, :3] @ places + before.ijk_to_ras[:3, 3]
    assert np.linalg.norm(found - MASS_RAS_MM) < MASS_RADIUS_MM / 3


def test_the_result_says_how_it_came_about(twelve_views: Result) -> None:
    provenance = twelve_views.provenance
    assert twelve_views.volume.quantity == "HU"
    assert twelve_views.volume.voxels.shape == earlier_ct().voxels.shape
    assert twelve_views.uncertainty is None
    assert any("no uncertainty" in text for text in twelve_views.warnings)
    assert not any("intensity only" in text for text in twelve_views.warnings)
    assert provenance["settings"]["iterations"] == SMALL["iterations"]
    assert provenance["loss"]["least"] < provenance["loss"]["first"] / 4
    assert "patent" in method("nerp").summary.lower()


def test_two_views_do_little_harm_and_the_user_is_told() -> None:
    result, truth = run(case_of(2)), ct_now().voxels
    assert psnr_3d(truth, result.volume.voxels) > psnr_3d(truth, earlier_ct().voxels) - LARGEST_LOSS_DB
    assert residuals(result, "reprojection").mean() < residuals(result, "prior").mean() / 2
    assert any("intensity only" in text for text in result.warnings)


def test_two_views_are_made_consistent_on_request() -> None:
    asked, given = (run(case_of(2), iterations=1, consistent=wanted, style_transfer=False) for wanted in (True, False))
    assert residuals(asked, "reprojection").mean() < residuals(given, "reprojection").mean() / 2
    truth = ct_now().voxels
    assert psnr_3d(truth, asked.volume.voxels) > psnr_3d(truth, given.volume.voxels) - LARGEST_LOSS_DB
    assert any("data consistency" in text for text in asked.warnings)


def test_an_unchanged_patient_stays_unchanged() -> None:
    before = earlier_ct()
    result = run(Case(films(before, [0.0, 90.0]), ct=before), iterations=3)
    np.testing.assert_allclose(result.volume.voxels, before.voxels, atol=0.5)


def test_a_placed_ct_is_returned_where_it_is(cache: Path) -> None:
    """The CT in another frame, with its pose, gives the volume that the CT in the films' frame gives."""
    case = case_of(3)
    angle = np.deg2rad(20)
    ct_to_world = np.array([[np.cos(angle), -np.sin(angle), 0, 30], [np.sin(angle), np.cos(angle), 0, -20]])
    ct_to_world = np.vstack([ct_to_world, [[0, 0, 1, 15], [0, 0, 0, 1]]])
    elsewhere = Volume(case.ct.voxels, np.linalg.inv(ct_to_world) @ case.ct.ijk_to_ras)
    moved = run(dataclasses.replace(case, ct=elsewhere, initial_ct_to_world=ct_to_world), iterations=3)
    there = run(case, iterations=3)
    np.testing.assert_allclose(moved.volume.ijk_to_ras, there.volume.ijk_to_ras, atol=1e-6)
    np.testing.assert_allclose(moved.volume.voxels, there.volume.voxels, atol=2.0)


def test_the_embedding_is_kept_for_the_patient(cache: Path) -> None:
    case = case_of(1)
    first = run(case, iterations=2)
    again = run(case, iterations=2)
    assert again.provenance["prior"]["embedding_kept"]
    np.testing.assert_array_equal(first.volume.voxels, again.volume.voxels)
    kept = list(cache.rglob("nerp/embedded-*.npz"))
    assert kept
    for file in kept:
        file.write_bytes(b"damaged")
    repaired = run(case, iterations=2)
    assert not repaired.provenance["prior"]["embedding_kept"]
    np.testing.assert_allclose(repaired.volume.voxels, first.volume.voxels, atol=1.0)


def test_as_published_the_volume_is_the_network_itself() -> None:
    result = run(case_of(2), change_only=False, grid_voxels=16, iterations=2, cache=False)
    assert max(result.volume.voxels.shape) == 16
    assert result.volume.voxels.min() >= -1000


def test_cancel_ends_it_in_both_stages(cache: Path) -> None:
    for wanted in ("Learning the earlier CT", "Matching the X-rays"):

        def cancelled(fraction: float, stage: str, wanted: str = wanted) -> None:
            assert 0 <= fraction <= 1
            if stage == wanted:
                raise CancelledError("Cancelled.")

        with pytest.raises(CancelledError):
            run(case_of(1), cancelled, cache=False, embedding_iterations=1)


def test_unscaled_films_are_fitted_to_the_ct_and_the_user_is_told() -> None:
    case = case_of(2)
    raw = tuple(Radiograph(40 * film.line_integral + 7, film.geometry) for film in case.radiographs)
    result = run(dataclasses.replace(case, radiographs=raw))
    assert residuals(result, "reprojection").mean() < residuals(result, "prior").mean() / 2
    assert any("unknown exposure" in text for text in result.warnings)


def test_without_a_ct_the_user_is_told_what_to_do() -> None:
    case = dataclasses.replace(case_of(2), ct=None)
    with pytest.raises(InputError, match="needs a CT of the patient: choose one"):
        method("nerp").check(case)


def test_more_views_than_twenty_are_refused() -> None:
    with pytest.raises(InputError, match="1 to 20"):
        method("nerp").check(case_of(21))


def test_films_of_something_else_are_refused() -> None:
    case = case_of(1)
    far = dataclasses.replace(case, initial_ct_to_world=np.array(np.diag([1.0] * 4) + np.eye(4, k=3) * 2000))
    with pytest.raises(InputError, match="register the CT first"):
        run(far)


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(InputError, match="Unknown settings of NeRP: iteration"):
        run(case_of(1), iteration=5)


def test_without_pytorch_the_user_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingDependencyError, match="PyTorch extension"):
        importlib.import_module("X2CTReconLib.nerp").NeRP().run(case_of(1), Options(), lambda fraction, stage: None)
