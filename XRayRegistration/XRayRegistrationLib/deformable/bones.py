"""The bones of a CT that can move against each other, as masks on a coarse grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from XRayLib.ct import Volume, resample
from XRayLib.ct.blocks import block_mean
from XRayLib.metrics.tissues import BONE_ABOVE_HU

BONE_GRID_MM = 4.0
SMALLEST_PIECE_ML = 20.0
MOST_PIECES = 6

TRUNK, PELVIS, HEAD = (*range(26, 44), *range(92, 118)), (25, 77, 78), (*range(44, 51), 91)
PIECES = (TRUNK, PELVIS, HEAD, (75,), (76,), (69,), (70,), (71, 73), (72, 74))
"""Label numbers (TotalSegmentator "total" v2) of bones that move together: trunk, pelvis, neck and skull, thighs, arms,
shoulder girdles."""


@dataclass(frozen=True)
class BonePieces:
    """``masks`` (pieces, k, j, i) bool on the grid of ``ijk_to_ras``; the largest piece first."""

    masks: NDArray[np.bool_]
    ijk_to_ras: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.masks)

    @property
    def middles_ras_mm(self) -> NDArray[np.float64]:
        """(pieces, 3) mean position of each piece."""
        indices = [np.argwhere(mask).mean(axis=0)[::-1] for mask in self.masks]
        return np.reshape(indices, (-1, 3)) @ self.ijk_to_ras[:3, :3].T + self.ijk_to_ras[:3, 3]


def bone_pieces(ct: Volume, labels: Volume | None = None) -> BonePieces:
    """Pieces by labels where there are any, else by threshold and connectivity; ``ct`` in HU, without table.

    Bones that touch at the grid's resolution count as one piece.
    """
    coarse = block_mean(ct, BONE_GRID_MM)
    if labels is not None:
        numbers = resample(labels, coarse.voxels.shape, coarse.ijk_to_ras).voxels
        found = [np.isin(numbers, piece) for piece in PIECES]
    else:
        found = _connected(coarse.voxels > BONE_ABOVE_HU)
    voxel_ml = abs(np.linalg.det(coarse.ijk_to_ras[:3, :3])) * 1e-3
    large = [mask for mask in found if mask.sum() * voxel_ml >= SMALLEST_PIECE_ML]
    kept = sorted(large, key=np.count_nonzero, reverse=True)[:MOST_PIECES]
    return BonePieces(np.reshape(np.array(kept, bool), (-1, *coarse.voxels.shape)), coarse.ijk_to_ras)


def _connected(bone: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    from scipy.ndimage import label

    regions, _ = label(bone)
    sizes = np.bincount(regions.ravel())
    sizes[0] = 0
    return [regions == number for number in np.argsort(-sizes)[:MOST_PIECES] if sizes[number]]
