"""What a preparation trains: which network, what it is shown, what is right, and how its bundle is described."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from XRayLib.preparation.settings import PreparationSettings

Batch = dict[str, Tensor]


class Patient(Protocol):
    """What the networks' window shows: see ``anatomy.py``."""

    middle_ras_mm: NDArray[np.float64]
    corners_ras_mm: NDArray[np.float64]
    window_mm: float


class Films(Protocol):
    """An endless source of training films."""

    def batch(self, number: int, pool: ThreadPoolExecutor | None = None) -> Sequence[Any]:
        """The films of batch ``number``; the same whenever it is asked for. ``pool`` shares the work."""


@dataclass(frozen=True)
class Measured:
    """One value of a validation that the bundle's card shows, and the value of the trivial baseline beside it."""

    name: str
    text: str
    unit: str
    baseline: str = ""
    baseline_name: str = ""


@dataclass(frozen=True)
class BundleDescription:
    """What the manifest says beside numbers. ``tensors`` tells role, layout, quantity of each input and output."""

    title: str
    task: str
    intended_use: str
    limitations: tuple[str, ...]
    tensors: Mapping[str, Mapping[str, Any]]
    parity_inputs: Mapping[str, Mapping[str, Any]]
    measured: tuple[Measured, ...] = ()
    patient: Mapping[str, Any] = field(default_factory=dict)
    """JSON values of the patient beside the window and the body's box."""
    files: Mapping[str, tuple[str, Callable[[Path], None]]] = field(default_factory=dict)
    """Files beside the graph by name: role, and what writes it to a path."""


class Task(ABC):
    """One kind of preparation. ``inputs`` names what the network takes, in order, out of a batch."""

    what: ClassVar[str]
    defaults: ClassVar[Mapping[str, float]]
    """Width, batch and learning rate with which a processor core learns most per minute."""
    inputs: ClassVar[tuple[str, ...]]
    outputs: ClassVar[tuple[str, ...]]

    def __init__(self, patient: Patient, settings: PreparationSettings) -> None:
        self.patient, self.settings = patient, settings

    @abstractmethod
    def films(self) -> Films:
        """What ``batch`` is fed with."""

    @abstractmethod
    def network(self) -> nn.Module:
        """A fresh network."""

    @abstractmethod
    def batch(self, films: Sequence[Any]) -> Batch:
        """Inputs and truth of these films as tensors."""

    @abstractmethod
    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, float]:
        """The loss, and an error in mm for people."""

    @abstractmethod
    def description(self) -> BundleDescription:
        """For the bundle."""


def as_tensor(values: object) -> Tensor:
    """Single precision, contiguous."""
    return torch.from_numpy(np.ascontiguousarray(np.asarray(values, np.float32)))


def film_pattern(side: int) -> dict[str, Any]:
    """A fixed input about like the contrasts of a film."""
    return {"pattern": "waves", "seed": 7, "shape": [1, 2, side, side], "low": -2.0, "high": 2.0}


FILM_TENSOR: Mapping[str, Any] = {
    "role": "film",
    "layout": "NCHW",
    "quantity": "relative_attenuation",
    "intensity": {"kind": "global_and_local_standard_scores"},
    "plane": "isocenter",
}
