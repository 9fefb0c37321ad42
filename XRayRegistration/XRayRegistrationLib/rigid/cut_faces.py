"""Which film pixels the CT can explain: the patient goes on where the scan ends, on the film but not in the CT."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray
from XRayLib.ct import Volume
from XRayLib.ct.blocks import block_mean
from XRayLib.geometry import XRayGeometry

TISSUE_HU = -300.0
SMALLEST_CUT = 0.04
"""A face of the CT cuts the patient when tissue fills more than this share of it."""

STAYS = 0.55
DEPTH_MM = 16.0
"""What a face cuts fills at least so much of what the patient fills this much deeper in the CT; of skin that only comes
near the face less and less is left towards it."""

WORKING_SPACING_MM = 4.0
MARGIN_VOXELS = 2
ENDLESS = 1e6
"""Voxels by which the CT is prolonged across a face that cuts the patient."""


class CutFaces:
    """The faces of a CT (HU, table removed) where the scan cuts through the patient."""

    def __init__(self, ct: Volume) -> None:
        coarse = block_mean(ct, WORKING_SPACING_MM)
        self._ras_to_ijk = np.linalg.inv(coarse.ijk_to_ras)
        tissue = coarse.voxels.transpose(2, 1, 0) > TISSUE_HU
        self._size = np.array(tissue.shape)
        largest = max(tissue.shape)
        # Tissue in each face: axis (i, j, k), first or last, then the other two axes in their order.
        self._tissue = np.zeros((3, 2, largest, largest), bool)

        for axis in range(3):
            for end in range(2):
                section = _cut_face(tissue, axis, end, round(DEPTH_MM / coarse.spacing_mm[axis]))
                self._tissue[axis, end, : section.shape[0], : section.shape[1]] = section
        self._is_cut = self._tissue.any(axis=(2, 3))

    @property
    def number(self) -> int:
        """How many of the six faces cut the patient."""
        return int(self._is_cut.sum())

    def explained(self, geometry: XRayGeometry) -> NDArray[np.bool_]:
        """(rows, columns) True where a pixel's ray passes only through what the CT holds; geometry in the CT's RAS."""
        columns, rows = geometry.size_px
        result = np.ones((rows, columns), bool)
        if self.number:
            source = (self._ras_to_ijk @ [*geometry.source_ras_mm, 1])[:3]
            pixel_to_ijk = self._ras_to_ijk[:3, :3] @ np.linalg.inv(geometry.ras_to_pixel[:, :3])
            _mark_unexplained(source, pixel_to_ijk, self._size, self._tissue, self._is_cut, result)
        return result


def _cut_face(tissue: NDArray[np.bool_], axis: int, end: int, depth: int) -> NDArray[np.bool_]:
    """Tissue in a face of (i, j, k) ordered tissue, filled and a little widened; nothing when the face cuts no one.

    ``depth``: the number of planes over which a cut section stays about as large.
    """
    from scipy import ndimage

    planes = np.moveaxis(tissue, axis, 0)[:: 1 - 2 * end]
    share = planes.mean(axis=(1, 2))
    # A scan often ends in a half-empty plane: the next one tells.
    outer = int(share[0] < STAYS * share[:2].max())
    deeper = min(outer + depth, len(planes) - 1)
    if share[outer] <= SMALLEST_CUT or share[outer] < STAYS * share[deeper]:
        return np.zeros_like(planes[0])
    section = planes[:2].any(axis=0)
    return ndimage.binary_dilation(ndimage.binary_fill_holes(section), iterations=MARGIN_VOXELS)


@njit(cache=True, nogil=True)
def _mark_unexplained(source, pixel_to_ijk, size, tissue, is_cut, result):
    """Set ``result`` False where a ray leaves through tissue in a cut face, or passes the scan beyond one."""
    rows, columns = result.shape
    for row in range(rows):
        for column in range(columns):
            direction = pixel_to_ijk[:, 0] * column + pixel_to_ijk[:, 1] * row + pixel_to_ijk[:, 2]
            near, far = 0.0, np.inf
            endless_near, endless_far = 0.0, np.inf
            for axis in range(3):
                step = direction[axis] if abs(direction[axis]) > 1e-12 else 1e-12
                first, last = (-0.5 - source[axis]) / step, (size[axis] - 0.5 - source[axis]) / step
                near, far = max(near, min(first, last)), min(far, max(first, last))
                first -= ENDLESS * is_cut[axis, 0] / step
                last += ENDLESS * is_cut[axis, 1] / step
                endless_near, endless_far = max(endless_near, min(first, last)), min(endless_far, max(first, last))
            if near >= far:
                result[row, column] = endless_near >= endless_far
                continue
            for axis in range(3):
                for end in range(2):
                    if is_cut[axis, end]:
                        step = direction[axis] if abs(direction[axis]) > 1e-12 else 1e-12
                        depth = (end * (size[axis] - 1) - source[axis]) / step
                        one, other = (1 if axis == 0 else 0), (1 if axis == 2 else 2)
                        u = int(np.rint(source[one] + depth * direction[one]))
                        v = int(np.rint(source[other] + depth * direction[other]))
                        inside = depth > 0 and 0 <= u < size[one] and 0 <= v < size[other]
                        if inside and tissue[axis, end, u, v]:
                            result[row, column] = False
