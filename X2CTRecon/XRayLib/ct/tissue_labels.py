"""Numbers of a label volume of tissues, with their names, colours and codes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from XRayLib.ct.blocks import in_blocks
from XRayLib.ct.volume import Volume


@dataclass(frozen=True)
class Tissue:
    """``number`` in a label volume; ``code`` and ``category``: SNOMED CT (code, meaning)."""

    number: int
    name: str
    color: tuple[float, float, float]
    code: tuple[str, str]
    category: tuple[str, str]


ANATOMICAL, TISSUE = ("123037004", "Anatomical Structure"), ("85756007", "Tissue")

TISSUES = (
    Tissue(1, "Lung", (0.77, 0.64, 0.59), ("39607008", "Lung"), ANATOMICAL),
    Tissue(2, "Soft tissue", (0.85, 0.40, 0.31), ("87784001", "Soft tissue"), TISSUE),
    Tissue(3, "Bone", (0.95, 0.84, 0.57), ("272673000", "Bone"), ANATOMICAL),
)
"""0 is air, inside and outside of the body; colours are those of Slicer's anatomical colours."""

TISSUE_LIMITS_HU = (-930.0, -400.0, 200.0)
"""Between air and TISSUES in their order, where density alone tells them apart."""


def tissue_labels(probabilities: NDArray[np.float32], like: Volume) -> Volume:
    """The most probable tissue of every voxel, quantity "label".

    Parameters
    ----------
    probabilities : (4, k, j, i)
        Of air and TISSUES in their order.
    like : Volume
        Over the same region, with any number of voxels.
    """
    labels = probabilities.argmax(axis=0).astype(np.float32)
    factors = np.array(like.voxels.shape[::-1]) / np.array(labels.shape[::-1])
    return Volume(labels, in_blocks(like.ijk_to_ras, factors), "label")
