"""Painting bodies into a volume: every shape tells its distance, the edge is spread over one voxel."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from XRayLib.ct import Volume
from XRayLib.phantom.shapes import Shape

Array = NDArray[np.float32]

Displacement = Callable[[Array, Array, Array], tuple[Array, Array, Array]]
"""Displacement in mm of positions (r, a, s)."""

FAR_MM = np.float32(1e3)


class Canvas:
    """A CT in HU and its labels on a grid along R, A, S, painted shape over shape.

    Parameters
    ----------
    shape_kji : (k, j, i)
    spacing_mm : float
    center_ras_mm : (3,)
    displacement : function of (r, a, s) returning three arrays, or None
        Added to a voxel's position before shapes are asked for their distance: bends the whole body smoothly.
    largest_displacement_mm : float
    """

    def __init__(
        self,
        shape_kji: tuple[int, int, int],
        spacing_mm: float,
        center_ras_mm: tuple[float, float, float],
        displacement: Displacement | None = None,
        largest_displacement_mm: float = 0.0,
    ) -> None:
        self.spacing_mm = spacing_mm
        grid = Volume.axis_aligned(np.empty(shape_kji, np.float32), (spacing_mm,) * 3, center_ras_mm)
        self._origin, self.ijk_to_ras = grid.ijk_to_ras[:3, 3], grid.ijk_to_ras
        axes = [self._origin[n] + spacing_mm * np.arange(shape_kji[2 - n]) for n in range(3)]
        s, a, r = np.meshgrid(axes[2], axes[1], axes[0], indexing="ij", copy=True)
        self.r, self.a, self.s = (np.asarray(x, np.float32) for x in (r, a, s))
        if displacement is not None:
            moved = displacement(self.r, self.a, self.s)
            self.r, self.a, self.s = (x + d for x, d in zip((self.r, self.a, self.s), moved, strict=True))
        self._margin_mm = largest_displacement_mm + 2 * spacing_mm
        self.hu: Array = np.full(shape_kji, -1000.0, np.float32)
        self.labels = np.zeros(shape_kji, np.uint8)

    def paint(
        self,
        shapes: Shape | Sequence[Shape],
        hu: float,
        *,
        label: int | None = None,
        shell_hu: float | None = None,
        shell_mm: float = 0.0,
        within: Array | None = None,
    ) -> None:
        """Paint the union of shapes; bones get a ``shell_hu`` cortex of ``shell_mm``.

        ``within`` limits the paint to where a coverage (0 to 1, whole grid) allows it. ``label`` None keeps labels.
        """
        shapes = [shapes] if not isinstance(shapes, Sequence) else shapes
        box = self._union_box(shapes)
        if box is None:
            return
        distance = np.full(self.hu[box].shape, FAR_MM)
        for shape in shapes:
            own = self._box_of(shape)
            if own is not None:
                inner = tuple(slice(o.start - b.start, o.stop - b.start) for o, b in zip(own, box, strict=True))
                np.minimum(distance[inner], shape.distance(self.r[own], self.a[own], self.s[own]), out=distance[inner])
        self.paint_distance(distance, hu, box=box, label=label, shell_hu=shell_hu, shell_mm=shell_mm, within=within)

    def paint_distance(
        self,
        distance: Array,
        hu: float | Array,
        *,
        box: tuple[slice, ...] = (slice(None),) * 3,
        label: int | None = None,
        shell_hu: float | None = None,
        shell_mm: float = 0.0,
        within: Array | None = None,
    ) -> None:
        """Paint where a signed distance (mm, negative inside) on ``box`` is negative."""
        cover = self.coverage(distance)
        if within is not None:
            cover = cover * within[box]
        outer = hu if shell_hu is None else shell_hu
        target = self.hu[box]
        target += cover * (outer - target)
        if shell_hu is not None:
            core = self.coverage(distance + np.float32(shell_mm))
            if within is not None:
                core = core * within[box]
            target += core * (hu - target)
        if label is not None:
            self.labels[box][cover > 0.5] = label

    def coverage(self, distance: Array) -> Array:
        """Fraction of the voxel inside a surface at that distance."""
        return np.clip(np.float32(0.5) - distance / np.float32(self.spacing_mm), 0.0, 1.0)

    def _box_of(self, shape: Shape) -> tuple[slice, ...] | None:
        low, high = shape.bounds()
        first = np.floor((low - self._margin_mm - self._origin) / self.spacing_mm).astype(int)
        last = np.ceil((high + self._margin_mm - self._origin) / self.spacing_mm).astype(int) + 1
        size_ijk = self.hu.shape[::-1]
        slices = [slice(max(0, first[n]), min(size_ijk[n], last[n])) for n in (2, 1, 0)]
        return None if any(piece.start >= piece.stop for piece in slices) else tuple(slices)

    def _union_box(self, shapes: Sequence[Shape]) -> tuple[slice, ...] | None:
        boxes = [box for box in map(self._box_of, shapes) if box is not None]
        if not boxes:
            return None
        return tuple(slice(min(b[n].start for b in boxes), max(b[n].stop for b in boxes)) for n in range(3))
