"""Preparing from the panel's worker and from the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import TINY
from typer.testing import CliRunner
from XRayLib.cli.app import app
from XRayLib.ct import Volume, load_ct, save_volume
from XRayLib.jobs.client import WorkerClient
from XRayLib.jobs.job import JobState
from XRayLib.jobs.settings import WorkerSettings
from XRayLib.preparation.patient_folder import prepared_bundle
from XRayRegistrationLib.preparation import KINDS, preparation_state

WHAT = KINDS[0]


@pytest.fixture
def client(cache: Path) -> Iterator[WorkerClient]:
    """A worker of its own, with this test's cache."""
    with WorkerClient(settings=WorkerSettings(environment={"XRAY3D_CACHE": str(cache)})) as found:
        yield found


def outcome(client: WorkerClient, **callbacks: Any) -> list[Any]:
    found: list[Any] = []
    job = client.prepare_patient(on_result=found.append, on_error=found.append, **callbacks)
    client.wait(job)
    return [*found, job]


def test_the_panels_worker_prepares_and_tells(torso: Volume, client: WorkerClient) -> None:
    states: list[dict] = []
    client.wait(client.preparation_state(torso, on_result=states.append))
    assert set(states[0]) >= set(KINDS)
    assert states[0][WHAT]["bundle"] is None
    fractions: list[float] = []
    settings = {**TINY, "validation_films": 2}
    result, job = outcome(
        client, ct=torso, what=WHAT, settings=settings, on_progress=lambda fraction, *_: fractions.append(fraction)
    )
    assert job.state is JobState.DONE, result
    assert result[WHAT]["finished"]
    assert result[WHAT]["iterations"] == 8
    assert {what: result[what] for what in KINDS} == preparation_state(torso)
    assert fractions == sorted(fractions)
    assert 0 < fractions[-1] <= 1


def test_cancel_keeps_what_was_learned(torso: Volume, client: WorkerClient) -> None:
    def cancel_soon(_fraction: float, stage: str, _remaining_s: float | None) -> None:
        if stage.startswith("Training") and not stage.startswith("Training: 0"):
            client.cancel()

    settings = {**TINY, "iterations": 100_000}
    failure, job = outcome(client, ct=torso, what=WHAT, settings=settings, on_progress=cancel_soon)
    assert job.state is JobState.CANCELLED
    assert failure.code == "cancelled"
    state = preparation_state(torso)[WHAT]
    assert state["iterations"] > 0
    assert not state["finished"]


def test_what_needs_no_preparation_is_bad_input(torso: Volume, client: WorkerClient) -> None:
    failure, job = outcome(client, ct=torso, what="x2ct-cnn")
    assert job.state is JobState.FAILED
    assert failure.code == "bad_input"
    assert "needs no preparation" in failure.message


def prepare(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["prepare", *(str(argument) for argument in arguments)])
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def ct_file(torso: Volume, tmp_path: Path) -> Path:
    path = tmp_path / "ct.nii.gz"
    save_volume(torso, path)
    return path


def test_the_command_prepares_and_reports(ct_file: Path) -> None:
    code, out, err = prepare(ct_file, "--what", WHAT, "--minutes", 0.03, "--views", "0,90,-90", "--json")
    assert code == 0, err
    told = json.loads(out)
    ct = load_ct(ct_file)
    assert Path(told["bundle"]) == prepared_bundle(ct, WHAT)
    assert told["finished"]
    assert told["validation"]["films"] == 40
    assert told["settings"]["views_deg"] == [[0.0, 0.0], [90.0, 0.0], [-90.0, 0.0]]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--what", "x2ct-cnn"), "needs no preparation"),
        (("--what", "nothing"), "no method"),
        (("--minutes", "0"), "above 0 minutes"),
        (("--input-px", "100"), "64, 128"),
    ],
)
def test_the_command_refuses_bad_input_in_one_sentence(
    ct_file: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    code, _, err = prepare(ct_file, *arguments)
    assert code == 2
    assert sentence in err
