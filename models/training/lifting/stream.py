"""Training samples: random patients, each shown by several random sets of films."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from shared.anatomy import HU_RANGE, LOWEST_HU, AnatomyStream
from shared.films import FilmVariation, field_of_view, varied
from torch import Tensor
from torch.utils.data import IterableDataset
from X2CTReconLib.consistent_start import consistent_start
from X2CTReconLib.lifted_views import LiftingCube, film_channels
from XRayLib.ct import Volume
from XRayLib.ct.blocks import block_mean
from XRayLib.errors import InputError
from XRayLib.projector import project

from lifting.views import ViewVariation, random_sources

KEPT_PATIENTS, KEPT_SAMPLES = 32, 32
Kept = TypeVar("Kept")


@dataclass(frozen=True)
class Exposure:
    """Which films are calibrated and how well they are placed."""

    calibrated_share: float = 0.6
    """Of sets of films in absolute line integrals; the others went through unknown exposure and processing."""
    log_gain: float = 0.02
    """Deviation of a calibrated film's gain."""
    noise: float = 0.03
    """Largest deviation of a calibrated film's noise, in line integrals."""
    misplaced_share: float = 0.4
    """Of sets whose films are not quite where their geometry says, by the deviations of the room."""


@dataclass(frozen=True, eq=False)
class ShownPatient:
    """A deformed patient, ready to be projected."""

    name: str
    attenuation: Volume
    target: NDArray[np.float32]
    weight: NDArray[np.float32]


class LiftingStream(IterableDataset):
    """``length`` samples per epoch; each pass goes on with fresh random numbers.

    Deforming a patient takes longer than projecting it, and both a good part of a training step: of the patients
    drawn last each gives about ``films_per_patient`` sets of films, and each of these is used about ``replay`` times.
    """

    def __init__(
        self,
        anatomies: AnatomyStream,
        cube: LiftingCube,
        template: NDArray[np.float32],
        length: int,
        seed: int,
        atlases_hu: Mapping[str, NDArray[np.float32]] | None = None,
        films_per_patient: int = 4,
        replay: int = 3,
        views: ViewVariation = ViewVariation(),  # noqa: B008 frozen
        film: FilmVariation = FilmVariation(),  # noqa: B008 frozen
        exposure: Exposure = Exposure(),
    ) -> None:
        super().__init__()
        self.anatomies, self.cube, self.template, self.length = anatomies, cube, template, length
        self.atlases_hu = atlases_hu
        """For every patient by name, what is deformed to the films as the start; without them it is the template."""
        self.films_per_patient, self.replay = films_per_patient, replay
        self.views, self.film, self.exposure, self.seed = views, film, exposure, seed
        self.start = 0
        """Iteration at which the run goes on; decides the random numbers."""
        self._patients: list[ShownPatient] = []
        self._samples: list[dict[str, Tensor]] = []

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        worker = torch.utils.data.get_worker_info()
        rng = np.random.default_rng([self.seed, self.start, worker.id if worker else 0])
        self.start += self.length
        for _ in range(self.length):
            yield _reused(
                self._samples, self.replay, KEPT_SAMPLES, rng, lambda: self.sample(self._next_patient(rng), rng)
            )

    def sample(self, patient: ShownPatient, rng: np.random.Generator) -> dict[str, Tensor]:
        """Network inputs "films", "projections", "rays", "start" (1, 1, n, n, n); "volume" and "weight" (1, n, n, n);
        "sources" (N, 3) mm."""
        room = self.anatomies.room
        sources = random_sources(self.views, room.source_mm, room.reversed_share, rng)
        calibrated = rng.random() < self.exposure.calibrated_share
        misplaced = rng.random() < self.exposure.misplaced_share
        films = [self._film(patient.attenuation, source, calibrated, misplaced, rng) for source in sources]
        tensors = {k: torch.from_numpy(v) for k, v in self.cube.tensors(films, sources)._asdict().items()}
        return {
            **tensors,
            "start": torch.from_numpy(self._start(patient.name, films, sources))[None, None],
            "volume": torch.from_numpy(patient.target)[None],
            "weight": torch.from_numpy(patient.weight)[None],
            "sources": torch.from_numpy(np.stack(sources)),
        }

    def _start(
        self, patient: str, films: list[NDArray[np.float32]], sources: list[NDArray[np.float64]]
    ) -> NDArray[np.float32]:
        """Network values (n, n, n); the template where a film shows nothing."""
        if self.atlases_hu is None:
            return self.template
        try:
            hu = consistent_start(self.atlases_hu[patient], self.cube, films, sources)
        except InputError:
            return self.template
        return np.clip((hu - LOWEST_HU) / HU_RANGE, 0, 1)

    def patient(self, rng: np.random.Generator) -> ShownPatient:
        """A new random patient."""
        anatomy = self.anatomies.draw(rng)
        factor = self.anatomies.size // self.cube.size
        attenuation = anatomy.attenuation(self.anatomies.voxel_mm)
        return ShownPatient(
            anatomy.patient, attenuation, _means(anatomy.target, factor), _means(anatomy.weight, factor)
        )

    def _next_patient(self, rng: np.random.Generator) -> ShownPatient:
        return _reused(self._patients, self.films_per_patient, KEPT_PATIENTS, rng, lambda: self.patient(rng))

    def _film(
        self,
        attenuation: Volume,
        source: NDArray[np.float64],
        calibrated: bool,
        misplaced: bool,
        rng: np.random.Generator,
    ) -> NDArray[np.float32]:
        """(3, film_px, film_px) as the network is given it; its true place differs from the told one if misplaced."""
        room, cube, turn = self.anatomies.room, self.cube, 0.0
        if misplaced:
            shift = rng.standard_normal(3) * room.film_shift_mm
            scale = np.exp(rng.standard_normal() * room.film_log_scale)
            cube = LiftingCube(shift, cube.edge_mm, cube.size, cube.film_mm * scale, cube.film_px)
            source, turn = source + shift, rng.standard_normal() * room.film_rotation_deg
        image = project(attenuation, [cube.film_geometry(source)], device="cpu")[0]
        if turn:
            image = ndimage.rotate(image, turn, reshape=False, order=1, mode="nearest")
        if not calibrated:
            return film_channels(*varied(image, self.film, rng), calibrated=False)
        noise = rng.uniform(0, self.exposure.noise) * rng.standard_normal(image.shape, dtype=np.float32)
        image = image * np.exp(rng.standard_normal() * self.exposure.log_gain) + noise
        return film_channels(image, field_of_view(image.shape, self.film, rng), calibrated=True)


def _reused(kept: list[Kept], times: int, most: int, rng: np.random.Generator, new: Callable[[], Kept]) -> Kept:
    """One of the ``most`` last made, or a new one in one of ``times`` cases."""
    if len(kept) > 4 and rng.random() > 1 / times:
        return kept[rng.integers(len(kept))]
    kept.append(new())
    del kept[:-most]
    return kept[-1]


def _means(volume: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Over blocks of ``factor`` ^3 voxels."""
    return block_mean(Volume.axis_aligned(volume, (1.0,) * 3), factor).voxels
