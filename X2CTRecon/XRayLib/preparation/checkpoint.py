"""A training's state on disk: tensors and plain numbers only, so that loading it runs no code."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from XRayLib.preparation.patient_folder import write_state
from XRayLib.preparation.settings import PreparationSettings
from XRayLib.whole_file import whole_file

logger = logging.getLogger(__name__)


@dataclass
class TrainingState:
    """Everything a run needs to go on exactly where the last one stopped."""

    network: dict[str, Any]
    averaged: dict[str, Any]
    optimiser: dict[str, Any]
    iterations: int = 0
    seconds: float = 0.0
    settings: dict[str, Any] = field(default_factory=dict)
    errors_mm: list[float] = field(default_factory=list)
    """Running mean of the training error, one for every hundred batches."""


def checkpoint_file(folder: Path, what: str) -> Path:
    """The checkpoint's place in a patient's folder."""
    return folder / f"{what}.checkpoint"


def save_checkpoint(folder: Path, what: str, state: TrainingState) -> None:
    """Replace the checkpoint and the readable state beside it, each in one step."""
    folder.mkdir(parents=True, exist_ok=True)
    target = checkpoint_file(folder, what)
    with whole_file(target) as unfinished:
        torch.save(vars(state), unfinished)
    summary = {
        "iterations": state.iterations,
        "seconds": round(state.seconds, 1),
        "settings": state.settings,
        "errors_mm": [round(e, 3) for e in state.errors_mm],
        "finished": False,
        "validation": {},
    }
    write_state(folder, what, summary)


def load_checkpoint(folder: Path, what: str, settings: PreparationSettings) -> TrainingState | None:
    """The state to go on from; None when there is none, it is damaged, or it was another training."""
    file = checkpoint_file(folder, what)
    if not file.is_file():
        return None
    try:
        state = TrainingState(**torch.load(file, map_location="cpu", weights_only=True))
        stored = type(settings).from_mapping(state.settings)
    except Exception as error:  # whatever a damaged file makes torch raise: training starts over
        logger.warning("The unfinished preparation cannot be read and starts over: %s", error)
        return None
    return state if settings.same_training(stored) else None
