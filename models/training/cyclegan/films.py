"""The two collections of films, unpaired: real ones from files, and simulated ones of deformed training CTs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from shared.anatomy import AnatomyStream
from torch import Tensor
from torch.utils.data import IterableDataset
from X2CTReconLib.canonical import FRONTAL, LATERAL, CanonicalCube
from XRayLib.errors import InputError
from XRayLib.projector import project
from XRayLib.radiograph import Radiograph, load_radiograph
from XRayLib.style_transfer.square_film import SIDE, SquareFilm

ROLES = (FRONTAL, LATERAL)
FILE_ENDING = {FRONTAL: "front", LATERAL: "lat"}
VIEW_NAME = {FRONTAL: "pa", LATERAL: "ll"}
CUBE_VOXELS = 96
KEPT_SIDE = 144
"""Films are kept a little larger than the network reads them, so that a random zoom loses nothing."""

Films = dict[str, NDArray[np.float32]]
"""Role -> (films, KEPT_SIDE, KEPT_SIDE), 0..1."""


def real_film(folder: Path, pair: str, role: str) -> Radiograph:
    """A film of the pair, with assumed geometry."""
    found = sorted(folder.glob(f"{pair}_{FILE_ENDING[role]}.*"))
    if not found:
        raise InputError(f"There is no film {pair}_{FILE_ENDING[role]} in {folder}.")
    return load_radiograph(found[0], VIEW_NAME[role])


def real_films(folder: Path, pairs: Sequence[str]) -> Films:
    """The films of the pairs by role."""
    return {
        role: np.stack([SquareFilm.of(real_film(folder, pair, role), KEPT_SIDE).image for pair in pairs])
        for role in ROLES
    }


def simulated_films(stream: AnatomyStream, count: int, seed: int) -> Films:
    """Ideal line integrals of ``count`` deformed patients from random rooms, by role; nothing is done to the tones."""
    rng = np.random.default_rng(seed)
    drawn: dict[str, list[NDArray[np.float32]]] = {role: [] for role in ROLES}
    for _ in range(count):
        volume = stream.draw(rng).attenuation(stream.voxel_mm)
        for role in ROLES:
            cube = CanonicalCube(np.zeros(3), stream.edge_mm, KEPT_SIDE)
            geometry = cube.film_geometry(role, source_of(role, stream, rng))
            image = project(volume, [geometry], device="cpu")[0]
            drawn[role].append(SquareFilm.of(Radiograph(image, geometry, calibrated=True), KEPT_SIDE).image)
    return {role: np.stack(films) for role, films in drawn.items()}


def source_of(role: str, stream: AnatomyStream, rng: np.random.Generator) -> NDArray[np.float64]:
    """A random X-ray source, posterior of the patient (frontal) or at the right."""
    distance = np.exp(rng.uniform(*np.log(stream.room.source_mm)))
    across, up = np.radians(rng.standard_normal(2) * stream.room.angle_deg)
    source = distance * np.array([np.sin(across), -np.cos(across) * np.cos(up), np.sin(up)])
    return source if role == FRONTAL else np.array([source[1], source[0], source[2]])


@dataclass(frozen=True)
class Variation:
    """Random zoom (smallest, largest; 1 shows the whole film), shift in shares of the side, rotation."""

    zoom: tuple[float, float]
    shift: float = 0.06
    rotation_deg: float = 4.0


REAL_VARIATION = Variation(zoom=(0.85, 1.25))
SIMULATED_VARIATION = Variation(zoom=(1.0, 1.4))
"""A simulated film shows more air around the patient than a real one."""


def varied_crop(film: NDArray[np.float32], variation: Variation, rng: np.random.Generator) -> NDArray[np.float32]:
    """A random part of the film as the network reads it, (SIDE, SIDE)."""
    angle = np.radians(rng.uniform(-1, 1) * variation.rotation_deg)
    scale = len(film) / SIDE / np.exp(rng.uniform(*np.log(variation.zoom)))
    matrix = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = (len(film) - 1) / 2 + rng.uniform(-1, 1, 2) * variation.shift * len(film)
    offset = middle - matrix @ np.full(2, (SIDE - 1) / 2)
    smooth = ndimage.gaussian_filter(film, 0.5 * max(scale - 1, 0.0) + 0.2)
    return ndimage.affine_transform(smooth, matrix, offset, output_shape=(SIDE, SIDE), order=1, mode="nearest")


class UnpairedFilms(IterableDataset):
    """``length`` samples per epoch {"real", "simulated"}, each (1, SIDE, SIDE), both of one role, never of one patient.

    ``start`` is the iteration at which a run goes on; it decides the random numbers.
    """

    def __init__(self, real: Films, simulated: Films, length: int, seed: int) -> None:
        super().__init__()
        self.real, self.simulated, self.length, self.seed = real, simulated, length, seed
        self.start = 0

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        rng = np.random.default_rng([self.seed, self.start])
        self.start += self.length
        for _ in range(self.length):
            role = ROLES[rng.integers(2)]
            yield {
                "real": _drawn(self.real[role], REAL_VARIATION, rng),
                "simulated": _drawn(self.simulated[role], SIMULATED_VARIATION, rng),
            }


def _drawn(films: NDArray[np.float32], variation: Variation, rng: np.random.Generator) -> Tensor:
    return torch.from_numpy(varied_crop(films[rng.integers(len(films))], variation, rng)).unsqueeze(0)
