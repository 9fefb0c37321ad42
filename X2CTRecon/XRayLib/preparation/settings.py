"""How a patient is prepared: what the networks should cope with, and how long they are trained."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from XRayLib.errors import InputError


@dataclass(frozen=True)
class PreparationSettings:
    """Of one preparation. The budget may change between a run and the one that resumes it; the rest may not.

    Poses are drawn uniformly within the ranges about the nominal views: ``rotation_range_deg`` about each axis of the
    camera, ``shift_range_mm`` across and ``depth_range_mm`` along the beam.
    """

    minutes: float = 45.0
    """Budget in time, of all runs together."""
    iterations: int = 0
    """Budget in batches; 0: by ``minutes``."""
    views_deg: tuple[tuple[float, float], ...] = ((0.0, 0.0), (90.0, 0.0))
    """Nominal (primary, secondary) angles of the films to come."""
    rotation_range_deg: float = 35.0
    shift_range_mm: float = 60.0
    depth_range_mm: float = 110.0
    source_to_patient_mm: tuple[float, float] = (600.0, 850.0)
    input_px: int = 64
    """Pixels across the window; 128 on a graphics card or overnight."""
    width: int = 0
    """Channels of the first level; 0: thin, as the method says."""
    batch: int = 0
    learning_rate: float = 0.0
    """Films per step, and the highest rate of it. 0: as the method says."""
    exposures: int = 512
    """Simulated films that batches are drawn from, each with other shift, scale, roll and field."""
    exposures_per_batch: int = 4
    """New exposures that replace the oldest with every batch."""
    validation_films: int = 40
    start_weights: str = ""
    """Id of a model bundle with weights to start from; empty: from scratch."""
    seed: int = 0
    device: str = "auto"
    workers: int = 0
    """Threads that make films while the network trains; 0: none beside it."""

    BUDGET: ClassVar[tuple[str, ...]] = ("minutes", "iterations", "validation_films", "device", "workers")

    def __post_init__(self) -> None:
        if not self.minutes > 0 or self.iterations < 0:
            raise InputError("A preparation needs a time above 0 minutes or a number of iterations.")
        if not self.views_deg:
            raise InputError("Name at least one nominal view, for example 0 (frontal) or 90 (lateral).")
        if not 0 < self.rotation_range_deg <= 90:
            raise InputError("The range of rotations must be above 0 and at most 90 degrees.")
        if self.input_px not in (64, 128, 256, 512):
            raise InputError("The networks' input is 64, 128, 256 or 512 pixels wide.")
        if min(self.exposures, self.exposures_per_batch) < 1:
            raise InputError("The numbers of exposures must be at least 1.")
        if min(self.batch, self.width, self.learning_rate) < 0:
            raise InputError("Batch, width and learning rate must be positive, or 0 for the method's own.")

    @classmethod
    def of(cls, settings: Self | Mapping[str, Any] | None) -> Self:
        """These settings, or those of the values by name; without any, the usual ones."""
        return settings if isinstance(settings, cls) else cls.from_mapping(settings or {})

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        """From JSON values; InputError for a name that is not known or a value of a wrong kind."""
        known = {field.name for field in dataclasses.fields(cls)}
        if unknown := sorted(set(values) - known):
            raise InputError(f"Unknown settings of a preparation: {', '.join(unknown)}.")
        try:
            tupled = {
                "views_deg": lambda v: tuple((float(p), float(s)) for p, s in v),
                "source_to_patient_mm": lambda v: (float(v[0]), float(v[1])),
            }
            return cls(**{name: tupled.get(name, lambda v: v)(value) for name, value in values.items()})
        except (TypeError, ValueError, IndexError) as error:
            raise InputError(f"A setting of the preparation has a value of the wrong kind: {error}.") from error

    def completed(self, defaults: Mapping[str, Any]) -> Self:
        """With a method's own values where these settings leave them to it (0)."""
        return dataclasses.replace(self, **{name: value for name, value in defaults.items() if not getattr(self, name)})

    def as_json(self) -> dict[str, Any]:
        """JSON values."""
        return dataclasses.asdict(self)

    def same_training(self, other: PreparationSettings) -> bool:
        """Whether a run with ``other`` can be gone on with by this one: all but the budget agree."""
        return dataclasses.replace(self, **{n: getattr(other, n) for n in self.BUDGET}) == other
