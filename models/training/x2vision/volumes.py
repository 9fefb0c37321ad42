"""Training volumes: the training CTs, smoothed to the coarse voxels and deformed anew for every sample."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from shared.anatomy import AnatomyStream
from shared.patients import AIR_HU, CACHE_SPACING_MM, Patient, load_patients
from torch import Tensor
from torch.utils.data import IterableDataset
from XRayLib.errors import InputError

from x2vision.recipe import PriorRecipe

SMOOTHING_VOXELS = 0.35
"""Standard deviation before sampling, in coarse voxels: what is finer would only be noise there."""


def drawn_volumes(recipe: PriorRecipe) -> NDArray[np.float32]:
    """(count, side, side, side) network values 0..1, axes S, A, R; made once and kept beside the checkpoint."""
    kept = recipe.output / f"volumes-{recipe.side}-{recipe.drawn_count}-{recipe.seed}.npy"
    if not kept.exists():
        stream = AnatomyStream(smoothed_patients(recipe), recipe.edge_mm, recipe.side, recipe.room)
        rng = np.random.default_rng(recipe.seed)
        recipe.output.mkdir(parents=True, exist_ok=True)
        np.save(kept, np.stack([stream.draw(rng).target for _ in range(recipe.drawn_count)]).astype(np.float16))
    return np.load(kept).astype(np.float32)


def smoothed_patients(recipe: PriorRecipe) -> list[Patient]:
    """The recipe's patients without table, smoothed."""
    missing = [name for name in recipe.patients if not (recipe.data / name).exists()]
    if missing:
        raise InputError(f"Training data not found in {recipe.data}: {', '.join(missing)}.")
    files = [recipe.data / name for name in recipe.patients]
    patients = load_patients(files, recipe.output.parent / "cache", list(recipe.patients.values()))
    deviation = SMOOTHING_VOXELS * recipe.voxel_mm / CACHE_SPACING_MM
    return [_smoothed(patient, deviation) for patient in patients]


def _smoothed(patient: Patient, deviation: float) -> Patient:
    body = np.where(patient.body, patient.hu, AIR_HU).astype(np.float32)
    smooth = ndimage.gaussian_filter(body, deviation, mode="nearest")
    return replace(patient, hu=np.rint(smooth).astype(np.int16), body=np.ones_like(patient.body))


class VolumeStream(IterableDataset):
    """``length`` volumes (1, side, side, side) per epoch; ``start`` decides the random numbers."""

    def __init__(self, volumes: NDArray[np.float32], length: int, seed: int) -> None:
        super().__init__()
        self.volumes, self.length, self.seed = volumes, length, seed
        self.start = 0

    def __iter__(self) -> Iterator[Tensor]:
        rng = np.random.default_rng([self.seed, self.start])
        self.start += self.length
        for _ in range(self.length):
            yield torch.from_numpy(self.volumes[rng.integers(len(self.volumes))]).unsqueeze(0)
