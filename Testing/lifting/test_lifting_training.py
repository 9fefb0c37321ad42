"""A training run of the lifting network that is interrupted, goes on and is exported; seconds on a made-up patient."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")
pytest.importorskip("onnx")
pytest.importorskip("yaml")

from lifting.finished_run import export_bundle  # noqa: E402
from lifting.recipe import read_recipe  # noqa: E402
from lifting.stream import LiftingStream  # noqa: E402
from lifting.train import train  # noqa: E402
from shared.anatomy import AnatomyStream, template_values  # noqa: E402
from shared.films import FilmVariation  # noqa: E402
from shared.patients import patients_of  # noqa: E402
from small_lifting import box_patient, write_recipe  # noqa: E402
from X2CTReconLib.lifted_views import LiftingCube  # noqa: E402
from XRayLib.bundle import load_bundle  # noqa: E402
from XRayLib.errors import InputError  # noqa: E402
from XRayLib.runtime import verify_bundle  # noqa: E402


def state_of(checkpoint):
    return torch.load(checkpoint, map_location="cpu", weights_only=True)["state_dict"]


def test_a_run_trains_goes_on_and_becomes_a_verified_bundle(tmp_path):
    box_patient(tmp_path)
    before = state_of(train(write_recipe(tmp_path, 1e-5, coarse_share=0.5)))
    assert int(before["iteration"]) == 1
    assert (before["network.fine_head.2.bias"] == 0).all()  # the coarse half came first
    recipe = write_recipe(tmp_path, float(before["seconds"]) / 60 + 1e-5)
    after = state_of(train(recipe, resume=True))
    assert int(after["iteration"]) == 2
    assert float(after["seconds"]) > float(before["seconds"])
    assert not torch.equal(before["network.fine_head.2.bias"], after["network.fine_head.2.bias"])
    manifest = export_bundle(recipe, tmp_path / "models" / "lifting-tiny", version="0.1.0", commit="abcdef0")
    assert manifest["methods"] == ["lifting", "atlas"]
    assert "2 updates" in (tmp_path / "models" / "lifting-tiny" / "README.md").read_text()
    assert verify_bundle(load_bundle(tmp_path / "models" / "lifting-tiny"), "cpu").passed


def test_nothing_to_resume_and_nothing_to_export_are_said(tmp_path):
    box_patient(tmp_path)
    recipe = write_recipe(tmp_path, 1e-5)
    with pytest.raises(InputError, match="no checkpoint"):
        train(recipe, resume=True)
    with pytest.raises(InputError, match="nothing to export"):
        export_bundle(recipe, tmp_path / "models" / "lifting-tiny")


def stream(tmp_path, **options):
    box_patient(tmp_path)
    patients = patients_of(tmp_path, {"chest_box.nii.gz": 1.0}, tmp_path / "cache")
    mean = template_values(patients, 256.0, 32)
    return LiftingStream(AnatomyStream(patients, 256.0, 64), LiftingCube(np.zeros(3), 256.0, 32), mean, 6, 0, **options)


def test_samples_repeat_with_their_seed_and_are_reused(tmp_path):
    options = {"films_per_patient": 2, "replay": 2}
    one, again = list(stream(tmp_path, **options)), list(stream(tmp_path, **options))
    for a, b in zip(one, again, strict=True):
        torch.testing.assert_close(a["films"], b["films"])
    source = stream(tmp_path, **options)
    source.length = 24
    seen = list(source)
    assert len({float(s["films"].sum()) for s in seen}) < 24
    assert len({float(s["volume"].sum()) for s in seen}) < len({float(s["films"].sum()) for s in seen})


def test_a_calibrated_sample_shows_the_volume_that_it_is_trained_for(tmp_path):
    source = stream(tmp_path, film=FilmVariation(collimated_share=0.0, narrow_share=0.0))
    rng = np.random.default_rng(3)
    patient, shares = source.patient(rng), []
    for _ in range(12):
        sample = source.sample(patient, rng)
        if float(sample["films"][0, 2].mean()) == 1:
            body = sample["volume"][0] > 0.3
            column, row = sample["projections"][0, 0][body], sample["projections"][0, 1][body]
            pixel = ((torch.stack([row, column]) + 1) * 64 - 0.5).round().long().clamp(0, 127)
            shares.append(float((sample["films"][0, 0][pixel[0], pixel[1]] > 0.03).float().mean()))
    assert len(shares) > 2
    assert min(shares) > 0.9


def test_the_shipped_recipes_train_on_licensed_patients_only(repository, monkeypatch, tmp_path):
    monkeypatch.setenv("XRAY3D_DATA", str(tmp_path))
    held_out = {"chest_lidc0580", "chest_lung1_001", "chest_lung1_002", "chest_rider0109", "abdomen_kits00136"}
    recipes = sorted((repository / "models" / "training" / "recipes").glob("lifting-*.yaml"))
    assert recipes
    for path in recipes:
        assert not held_out & {name.split(".")[0] for name in read_recipe(path).patients}
