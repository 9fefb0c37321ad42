"""A patient is prepared, found again by the CT alone, and the network says elsewhere what it said in training."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import TINY, tiny
from XRayLib.bundle import load_bundle
from XRayLib.ct import Volume
from XRayLib.errors import CancelledError, InputError
from XRayLib.preparation.anatomy import anatomy_of
from XRayLib.preparation.film_stream import FilmStream
from XRayLib.preparation.patient_folder import cache_folder, ct_hash, patient_folder, prepared_bundle
from XRayLib.preparation.training import Training
from XRayLib.runtime import open_session, verify_bundle
from XRayRegistrationLib.preparation import KINDS, preparation_state, prepare_patient
from XRayRegistrationLib.preparation.settings import PosePreparationSettings
from XRayRegistrationLib.preparation.tasks import TASKS


@pytest.fixture(scope="module")
def prepared(torso: Volume, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache in which both kinds are prepared for the torso."""
    folder = tmp_path_factory.mktemp("prepared")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XRAY3D_CACHE", str(folder))
        for what in KINDS:
            prepare_patient(torso, what, TINY)
    return folder


@pytest.fixture
def prepared_cache(prepared: Path, cache: Path) -> Path:
    """This test's cache, with both kinds prepared."""
    shutil.copytree(prepared, cache)
    return cache


@pytest.mark.parametrize("what", KINDS)
def test_a_prepared_patient_is_found_again(torso: Volume, prepared_cache: Path, what: str) -> None:
    folder = prepared_bundle(torso, what)
    assert folder is not None
    assert folder.is_relative_to(prepared_cache)
    bundle = load_bundle(folder)
    assert bundle.id == what
    assert bundle.methods == (what,)
    state = preparation_state(torso)[what]
    assert state["bundle"] == str(folder)
    assert state["finished"]
    assert state["iterations"] == 8
    assert state["validation"]["films"] == 4
    assert state["validation"]["nominal_mtre_mm"] > 20
    assert bundle.manifest["preparation"]["validation"] == state["validation"]
    json.dumps(state, allow_nan=False)


@pytest.mark.parametrize("what", KINDS)
def test_onnx_computes_what_pytorch_computed(torso: Volume, prepared_cache: Path, what: str) -> None:
    """On films, not only on the parity block's patterns."""
    settings = tiny()
    folder = prepared_bundle(torso, what)
    assert folder is not None
    bundle = load_bundle(folder)
    assert verify_bundle(bundle, "cpu").as_json()
    task = TASKS[what](anatomy_of(torso, 64, "cpu"), settings)
    network = Training(task, patient_folder(torso)).trained_network()
    session = open_session(bundle, "cpu")
    batch = task.batch(FilmStream(task.anatomy, settings).batch(5))
    with torch.inference_mode():
        expected = network(*(batch[name][:1] for name in task.inputs))
    found = session.run({name: batch[name][:1].numpy() for name in task.inputs})
    for name, tensor in zip(task.outputs, expected if isinstance(expected, tuple) else (expected,), strict=True):
        np.testing.assert_allclose(found[name], tensor.numpy(), rtol=1e-3, atol=1e-3)


def test_another_ct_is_not_prepared(torso: Volume, prepared_cache: Path) -> None:
    changed = torso.voxels.copy()
    changed[10, 10, 10] += 5
    moved = torso.ijk_to_ras.copy()
    moved[0, 3] += 0.5
    for other in (Volume(changed, torso.ijk_to_ras), Volume(torso.voxels, moved)):
        assert all(prepared_bundle(other, what) is None for what in KINDS)
        assert preparation_state(other)[KINDS[0]]["iterations"] == 0
        assert preparation_state(other)[KINDS[0]]["bundle"] is None


def test_the_same_ct_from_elsewhere_is_the_same(torso: Volume) -> None:
    """A file's matrix is rounded, a scene's scan is padded below air: nothing that a network would see."""
    padded = np.where(torso.voxels <= -1000, -1000.0, torso.voxels).astype(np.float32)
    lower = np.where(padded == -1000.0, -1024.0, padded).astype(np.float32)
    deeper = np.where(padded == -1000.0, -3024.0, padded).astype(np.float32)
    assert ct_hash(Volume(lower, torso.ijk_to_ras)) == ct_hash(Volume(deeper, torso.ijk_to_ras + 1e-6 * np.eye(4)))
    assert ct_hash(torso) != ct_hash(Volume(lower, torso.ijk_to_ras))


def test_nothing_about_the_patient_is_in_the_name(torso: Volume) -> None:
    assert patient_folder(torso) == cache_folder() / "patients" / ct_hash(torso)
    assert len(ct_hash(torso)) == 64


def test_a_spent_budget_is_not_trained_again(torso: Volume, prepared_cache: Path) -> None:
    stages: list[str] = []
    folder = prepare_patient(torso, KINDS[0], TINY, lambda _f, stage: stages.append(stage))
    assert folder == prepared_bundle(torso, KINDS[0])
    assert stages == ["Reading the CT"]


def test_a_cancelled_preparation_keeps_the_former_bundle_and_its_own_progress(
    torso: Volume, prepared_cache: Path
) -> None:
    former = load_bundle(prepared_bundle(torso, KINDS[0]) or "").sha256

    def cancel(fraction: float, _stage: str) -> None:
        if fraction > 0.6:
            raise CancelledError

    with pytest.raises(CancelledError):
        prepare_patient(torso, KINDS[0], {**TINY, "iterations": 16}, cancel)
    state = preparation_state(torso)[KINDS[0]]
    assert 8 < state["iterations"] < 16
    assert not state["finished"]
    assert load_bundle(state["bundle"]).sha256 == former
    prepare_patient(torso, KINDS[0], {**TINY, "iterations": 16})
    state = preparation_state(torso)[KINDS[0]]
    assert state["iterations"] == 16
    assert state["finished"]
    assert load_bundle(state["bundle"]).sha256 != former


def test_what_is_left_open_is_the_methods_own() -> None:
    """Else a preparation with the defaults could not be told from one with other numbers, and not be gone on with."""
    for task in TASKS.values():
        completed = PosePreparationSettings().completed(task.defaults)
        assert min(completed.width, completed.batch, completed.learning_rate) > 0
        assert completed.completed(task.defaults) == completed
    assert PosePreparationSettings(width=64).completed(TASKS[KINDS[0]].defaults).width == 64


def test_progress_rises_to_one(torso: Volume) -> None:
    seen: list[float] = []
    prepare_patient(torso, KINDS[1], TINY, lambda fraction, _stage: seen.append(fraction))
    assert seen == sorted(seen)
    assert seen[0] == 0
    assert seen[-1] == 1


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"minuets": 3}, "Unknown settings"),
        ({"minutes": -1}, "above 0 minutes"),
        ({"minutes": "long"}, "wrong kind"),
        ({"input_px": 100}, "64, 128"),
        ({"views_deg": []}, "at least one nominal view"),
        ({"views_deg": [5]}, "wrong kind"),
        ({"rotation_range_deg": 120}, "range of rotations"),
        ({"batch": -1}, "must be positive"),
        ({"start_weights": "no-such-model"}, "no model 'no-such-model'"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(torso: Volume, settings: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        prepare_patient(torso, KINDS[0], {**TINY, **settings})


def test_only_known_kinds_and_real_cts_are_prepared(torso: Volume) -> None:
    with pytest.raises(InputError, match="choose one of"):
        prepare_patient(torso, "intensity", TINY)
    air = dataclasses.replace(torso, voxels=np.full(torso.voxels.shape, -1000, np.float32))
    with pytest.raises(InputError, match="no body"):
        prepare_patient(air, KINDS[0], TINY)
