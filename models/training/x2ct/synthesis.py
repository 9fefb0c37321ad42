"""One training sample: a deformed CT in the canonical cube and its films from a random X-ray room."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from shared.anatomy import Anatomy, AnatomyStream, RoomVariation
from shared.films import FilmVariation, varied
from shared.patients import Patient
from X2CTReconLib.canonical import FRONTAL, LATERAL, CanonicalCube
from X2CTReconLib.canonical_intensity import normalised
from XRayLib.projector import project


@dataclass(frozen=True)
class Sample:
    """``films`` (views, size, size) 0..1; ``volume`` and ``weight`` (size, size, size).

    Axes of the cube: inferior, posterior, left.
    """

    films: NDArray[np.float32]
    volume: NDArray[np.float32]
    weight: NDArray[np.float32]


@dataclass(frozen=True)
class Synthesis:
    """Draws samples. ``views``: "frontal" and/or "lateral", in the network's order."""

    patients: list[Patient]
    edge_mm: float
    size: int = 128
    views: tuple[str, ...] = (FRONTAL, LATERAL)
    room: RoomVariation = field(default_factory=RoomVariation)
    film: FilmVariation = field(default_factory=FilmVariation)

    def draw(self, rng: np.random.Generator) -> Sample:
        """One random sample."""
        anatomy = AnatomyStream(self.patients, self.edge_mm, self.size, self.room).draw(rng)
        films = np.stack([self._film(anatomy, role, rng) for role in self.views])
        return Sample(films, flipped(anatomy.target), flipped(anatomy.weight))

    def _film(self, anatomy: Anatomy, role: str, rng: np.random.Generator) -> NDArray[np.float32]:
        room = self.room
        shift = rng.standard_normal(3) * room.film_shift_mm
        cube = CanonicalCube(shift, self.edge_mm * np.exp(rng.standard_normal() * room.film_log_scale), self.size)
        distance = np.exp(rng.uniform(*np.log(room.source_mm)))
        across, up = np.radians(rng.standard_normal(2) * room.angle_deg)
        source = distance * np.array([np.sin(across), -np.cos(across) * np.cos(up), np.sin(up)])
        if role == LATERAL:  # the detector at the patient's left: the source at the right
            source = np.array([-source[1], source[0], source[2]])
        if rng.random() < room.reversed_share:
            source = -source
        volume = anatomy.attenuation(self.edge_mm / self.size)
        image = project(volume, [cube.film_geometry(role, source + shift)], device="cpu")[0]
        image = ndimage.rotate(
            image, rng.standard_normal() * room.film_rotation_deg, reshape=False, order=1, mode="nearest"
        )
        return normalised(*varied(image, self.film, rng))


def flipped(volume: NDArray) -> NDArray[np.float32]:
    """Axes (S, A, R) to the network's (inferior, posterior, left), or back."""
    return np.ascontiguousarray(volume[::-1, ::-1, ::-1], dtype=np.float32)
