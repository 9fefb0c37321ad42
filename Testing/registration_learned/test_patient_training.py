"""Training learns, goes on after a stop as if there had been none, and keeps what it learned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import tiny
from XRayLib.ct import Volume
from XRayLib.errors import CancelledError
from XRayLib.preparation.anatomy import Anatomy, anatomy_of
from XRayLib.preparation.checkpoint import checkpoint_file, load_checkpoint
from XRayLib.preparation.training import Training, rate_share
from XRayRegistrationLib.preparation.tasks import TASKS

KINDS = tuple(TASKS)


@pytest.fixture(scope="module")
def anatomy(torso: Volume) -> Anatomy:
    return anatomy_of(torso, 64, "cpu")


def silent(_fraction: float, _stage: str) -> None:
    pass


def training(anatomy: Anatomy, what: str, folder: Path, *, resume: bool = True, **changes: object) -> Training:
    return Training(TASKS[what](anatomy, tiny(**changes)), folder, resume=resume)


def weights(run: Training) -> np.ndarray:
    return np.concatenate([x.numpy().ravel() for x in run.trained_network().state_dict().values()])


@pytest.mark.parametrize("what", KINDS)
def test_the_error_falls(anatomy: Anatomy, tmp_path: Path, what: str) -> None:
    """Fifty steps on one small set of films: far better than before them."""
    run = training(anatomy, what, tmp_path, iterations=60, batch=8, width=8, learning_rate=3e-3)
    batch = run.task.batch(run._films.batch(0))
    before = run.task.loss(run._network, batch)
    for _ in range(50):
        run._step(batch)
    after = run.task.loss(run._network, batch)
    assert after[0].item() < before[0].item()
    assert after[1] < 0.75 * before[1]


@pytest.mark.parametrize("what", KINDS)
def test_a_resumed_training_ends_where_an_uninterrupted_one_does(anatomy: Anatomy, tmp_path: Path, what: str) -> None:
    whole = training(anatomy, what, tmp_path / "whole")
    whole.run(silent)
    stopped = training(anatomy, what, tmp_path / "parts")

    def cancel_in_the_middle(fraction: float, _stage: str) -> None:
        if fraction > 0.4:
            raise CancelledError

    with pytest.raises(CancelledError):
        stopped.run(cancel_in_the_middle)
    resumed = training(anatomy, what, tmp_path / "parts")
    assert 0 < resumed.iterations < 8
    resumed.run(silent)
    assert resumed.iterations == whole.iterations == 8
    np.testing.assert_allclose(weights(resumed), weights(whole), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(resumed.errors_mm, whole.errors_mm, rtol=1e-4)


def test_films_made_beside_the_training_are_the_same_films(anatomy: Anatomy, tmp_path: Path) -> None:
    alone, shared = training(anatomy, KINDS[0], tmp_path / "a"), training(anatomy, KINDS[0], tmp_path / "b", workers=2)
    alone.run(silent)
    shared.run(silent)
    np.testing.assert_allclose(weights(shared), weights(alone), rtol=1e-4, atol=1e-6)


def test_any_failure_keeps_what_was_learned(anatomy: Anatomy, tmp_path: Path) -> None:
    run = training(anatomy, KINDS[0], tmp_path)

    def fail(fraction: float, _stage: str) -> None:
        if fraction > 0.3:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run.run(fail)
    state = load_checkpoint(tmp_path, KINDS[0], tiny())
    assert state is not None
    assert state.iterations == run.iterations > 0


def test_another_budget_goes_on_and_other_settings_start_over(anatomy: Anatomy, tmp_path: Path) -> None:
    training(anatomy, KINDS[0], tmp_path).run(silent)
    assert training(anatomy, KINDS[0], tmp_path, iterations=20).iterations == 8
    assert training(anatomy, KINDS[0], tmp_path, iterations=8).budget_spent
    assert training(anatomy, KINDS[0], tmp_path, rotation_range_deg=20.0).iterations == 0
    assert training(anatomy, KINDS[0], tmp_path, width=8).iterations == 0
    assert training(anatomy, KINDS[0], tmp_path, resume=False).iterations == 0


def test_a_damaged_checkpoint_starts_over(anatomy: Anatomy, tmp_path: Path) -> None:
    training(anatomy, KINDS[0], tmp_path).run(silent)
    file = checkpoint_file(tmp_path, KINDS[0])
    file.write_bytes(file.read_bytes()[:1000])
    assert training(anatomy, KINDS[0], tmp_path).iterations == 0


def test_a_checkpoint_that_would_run_code_is_not_loaded(anatomy: Anatomy, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple:
            return Path.touch, (tmp_path / "sprung",)

    training(anatomy, KINDS[0], tmp_path).run(silent)
    torch.save({"network": Trap()}, checkpoint_file(tmp_path, KINDS[0]))
    assert load_checkpoint(tmp_path, KINDS[0], tiny()) is None
    assert not (tmp_path / "sprung").exists()


def test_a_budget_in_minutes_ends(anatomy: Anatomy, tmp_path: Path) -> None:
    run = training(anatomy, KINDS[0], tmp_path, iterations=0, minutes=0.02)
    fractions = []
    run.run(lambda fraction, _stage: fractions.append(fraction))
    assert run.budget_spent
    assert run.seconds >= 1.2
    assert fractions == sorted(fractions)
    assert fractions[-1] < 1


def test_the_learning_rate_rises_then_falls() -> None:
    shares = [rate_share(x) for x in np.linspace(0, 1, 101)]
    assert shares[0] == pytest.approx(0.05)
    assert max(shares) == pytest.approx(1)
    assert int(np.argmax(shares)) == 2
    assert shares[-1] == pytest.approx(0.01)
    assert rate_share(3.0) == pytest.approx(0.01)
