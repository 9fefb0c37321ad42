"""A short training on simulated breathing: every method is nearer to unseen states than the organ as it was."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from motion_cases import small
from X2CTReconLib.mesh_networks import losses
from X2CTReconLib.mesh_preparation.tasks import TASKS, MeshTask
from XRayLib.motion import DeformationModes, MotionModel
from XRayLib.preparation.motion_films import MotionFilm, MotionFilms, organ_window
from XRayLib.preparation.motion_settings import MotionPreparationSettings
from XRayLib.preparation.training import Training

SETTINGS = {"batch": 8, "views_deg": [(0.0, 0.0)], "rotation_range_deg": 10.0, "exposures": 64, "views_per_state": 3}
STEPS = {"igcn": 120, "igcn-plus": 60, "xray2shape": 100, "pixel2mesh": 50, "lung-shape": 120, "organ-mesh": 80}
RATES = {"lung-shape": 2e-3}
TRAINING_BATCHES, HELD_OUT_BATCHES = 24, 4


class StoredFilms:
    """Films made once for all methods: batches of training states over and over."""

    def __init__(self, batches: Sequence[list[MotionFilm]]) -> None:
        self._batches = batches

    def batch(self, number: int, pool: ThreadPoolExecutor | None = None) -> list[MotionFilm]:
        return self._batches[number % len(self._batches)]


@pytest.fixture(scope="module")
def films(motion: MotionModel) -> list[list[MotionFilm]]:
    """Training batches of some motion states, then as many batches of others as are held out."""
    window, settings = organ_window(motion.organ.points), small(**SETTINGS)
    stream = MotionFilms(motion, window, settings)
    training = [stream.batch(n) for n in range(TRAINING_BATCHES)]
    others = MotionFilms(motion, window, small(**SETTINGS, seed=1))
    return training + [others.batch(n) for n in range(HELD_OUT_BATCHES)]


@pytest.mark.parametrize("what", list(TASKS))
def test_a_trained_network_beats_the_organ_as_it_was(
    motion: MotionModel, modes: DeformationModes, films: list[list[MotionFilm]], tmp_path: Path, what: str
) -> None:
    settings = small(**SETTINGS, width=8, iterations=STEPS[what], learning_rate=RATES.get(what, 6e-3))
    task = TASKS[what](motion, organ_window(motion.organ.points), modes, settings)
    task.films = lambda: StoredFilms(films[:TRAINING_BATCHES])
    training = Training(task, tmp_path)
    training.run(lambda _fraction, _stage: None)
    network = training.trained_network()
    found, identity = errors_mm(task, network, films[TRAINING_BATCHES:])
    assert found < 0.95 * identity


def errors_mm(task: MeshTask, network: torch.nn.Module, batches: list[list[MotionFilm]]) -> tuple[float, float]:
    """Mean error of the network and of the surface where it starts, in the task's own measure."""
    found, start = [], []
    with torch.no_grad():
        for films in batches:
            batch = task.batch(films)
            answer = network.answer(batch["contrasts"], batch["ras_to_pixel"])
            found.append(float(task.error_mm(answer, batch)))
            still = {"displacement": torch.zeros_like(answer["displacement"])}
            start.append(float(task.error_mm(still, batch)))
    return float(np.mean(found)), float(np.mean(start))


def test_the_truth_has_no_error(motion: MotionModel, modes: DeformationModes, films: list[list[MotionFilm]]) -> None:
    task = TASKS["organ-mesh"](motion, organ_window(motion.organ.points), modes, small())
    batch = task.batch(films[0])
    assert float(task.error_mm({"displacement": batch["target"]}, batch)) < 0.01
    assert float(losses.distance(batch["target"], torch.zeros_like(batch["target"]))) > 5.0


@pytest.mark.parametrize("what", list(TASKS))
def test_films_of_the_usual_size_can_be_learned_from(
    motion: MotionModel, modes: DeformationModes, tmp_path: Path, what: str
) -> None:
    usual = MotionPreparationSettings().input_px
    settings = small(**{**SETTINGS, "batch": 2}, input_px=usual, iterations=1)
    training = Training(TASKS[what](motion, organ_window(motion.organ.points), modes, settings), tmp_path)
    training.run(lambda _fraction, _stage: None)
    assert all(torch.isfinite(weights).all() for weights in training.trained_network().parameters())
