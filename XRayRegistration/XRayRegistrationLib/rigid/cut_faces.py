"""Which film pixels the CT can explain: the patient goes on where the scan ends, on the film but not in the CT."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from XRayLib.ct import Volume
from XRayLib.ct.blocks import block_mean
from XRayLib.geometry import XRayGeometry

TISSUE_HU = -300.0
SMALLEST_CUT = 0.04
"""A face of the CT cuts the patient when tissue fills more than this share of it."""

WORKING_SPACING_MM = 4.0
MARGIN_VOXELS = 2


@dataclass(frozen=True)
class _Face:
    axis: int
    """0, 1, 2 for i, j, k."""
    plane: float
    tissue: NDArray[np.bool_]
    """Tissue in the face, indexed by the other two axes in the order i, j, k."""


class CutFaces:
    """The faces of a CT (HU, table removed) where the scan cuts through the patient."""

    def __init__(self, ct: Volume) -> None:
        coarse = block_mean(ct, WORKING_SPACING_MM)
        self._ras_to_ijk = np.linalg.inv(coarse.ijk_to_ras)
        self._size = np.array(coarse.voxels.shape[::-1])
        tissue = coarse.voxels.transpose(2, 1, 0) > TISSUE_HU
        self._faces = [face for axis in range(3) for face in _cut_faces(tissue, axis)]

    @property
    def number(self) -> int:
        """How many of the six faces cut the patient."""
        return len(self._faces)

    def explained(self, geometry: XRayGeometry) -> NDArray[np.bool_]:
        """(rows, columns) True where a pixel's ray passes only through what the CT holds; geometry in the CT's RAS."""
        columns, rows = geometry.size_px
        if not self._faces:
            return np.ones((rows, columns), bool)
        source = (self._ras_to_ijk @ [*geometry.source_ras_mm, 1])[:3]
        to_ijk = self._ras_to_ijk[:3, :3] @ np.linalg.inv(geometry.ras_to_pixel[:, :3])
        # (3, rows, columns): rays are source + depth * direction, depth in mm.
        direction = (
            to_ijk[:, 0, None, None] * np.arange(columns)
            + to_ijk[:, 1, None, None] * np.arange(rows)[:, None]
            + to_ijk[:, 2, None, None]
        )
        direction = np.where(np.abs(direction) < 1e-12, 1e-12, direction)
        near, far = self._crossing(source, direction, ())
        misses = near >= far
        near, far = self._crossing(source, direction, tuple({face.axis for face in self._faces}))
        unexplained = misses & (near < far)
        for face in self._faces:
            unexplained |= self._leaves_through(face, source, direction)
        return ~unexplained

    def _crossing(
        self, source: NDArray[np.float64], direction: NDArray[np.float64], without: tuple[int, ...]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Depths where the rays enter and leave the CT's box, endless along the axes ``without``."""
        near, far = np.zeros(direction.shape[1:]), np.full(direction.shape[1:], np.inf)
        for axis in {0, 1, 2} - set(without):
            first = (-0.5 - source[axis]) / direction[axis]
            last = (self._size[axis] - 0.5 - source[axis]) / direction[axis]
            near, far = np.maximum(near, np.minimum(first, last)), np.minimum(far, np.maximum(first, last))
        return near, far

    def _leaves_through(
        self, face: _Face, source: NDArray[np.float64], direction: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        depth = (face.plane - source[face.axis]) / direction[face.axis]
        inside = depth > 0
        index = []
        for axis in sorted({0, 1, 2} - {face.axis}):
            at = np.rint(source[axis] + depth * direction[axis])
            inside &= (at >= 0) & (at < self._size[axis])
            index.append(np.clip(at, 0, self._size[axis] - 1).astype(np.intp))
        return inside & face.tissue[index[0], index[1]]


def _cut_faces(tissue: NDArray[np.bool_], axis: int) -> list[_Face]:
    """The cut ones among the two faces across an axis of (i, j, k) ordered tissue."""
    from scipy import ndimage

    faces = []
    last = tissue.shape[axis] - 1
    for plane in (0, last):
        # A scan often ends in a half-empty block: the fuller of the two outermost planes tells.
        inner = min(max(plane, 1), last - 1) if last > 1 else plane
        section = np.take(tissue, plane, axis) | np.take(tissue, inner, axis)
        if section.mean() > SMALLEST_CUT:
            filled = ndimage.binary_fill_holes(section)
            faces.append(_Face(axis, float(plane), ndimage.binary_dilation(filled, iterations=MARGIN_VOXELS)))
    return faces
