"""What the lifting network is told of each view: a film through the isocentre, and where it shows every voxel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry
from XRayLib.radiograph import Radiograph

from X2CTReconLib.canonical import seen_at
from X2CTReconLib.canonical_intensity import normalised

Array = NDArray[np.float32]

FILM_CHANNELS = 3
"""Intensity, whether it is seen, whether it is a calibrated line integral."""

RAY_CHANNELS = 6
"""Depth, ray direction along S, A, R, magnification, length of the ray in the cube."""

FULL_LINE_INTEGRAL = 6.0
"""Calibrated line integrals are given as shares of this: about the densest of a chest seen from the side."""

STEEPEST = 0.9
"""A beam nearer to head-feet than this cosine has no feet side: its film's rows run to the back instead."""


class ViewTensors(NamedTuple):
    """Network input of N views: ``films`` (N, 3, film_px, film_px), ``projections`` (N, 2, n, n, n), ``rays``
    (N, 6, n/2, n/2, n/2); voxel axes S, A, R."""

    films: Array
    projections: Array
    """(column, row) of every voxel on the film, -1..1 from edge to edge."""
    rays: Array


@dataclass(frozen=True)
class LiftingCube:
    """A cube of ``size`` ^3 voxels and ``edge_mm`` along R, A, S around ``center_ras_mm``, and its films.

    A view's film is the plane through the centre across the ray from the source to it, ``film_mm`` wide, rows to the
    feet: detectors of any size, distance and tilt show the same there.
    """

    center_ras_mm: NDArray[np.float64]
    edge_mm: float = 416.0
    size: int = 64
    film_mm: float = 512.0
    film_px: int = 128

    def film_geometry(self, source_ras_mm: NDArray[np.float64], film_px: int | None = None) -> XRayGeometry:
        """The film of a source anywhere outside the cube, with ``film_px`` (default: the network's) pixels a side."""
        pixels = self.film_px if film_px is None else film_px
        to_center = np.asarray(self.center_ras_mm, float) - source_ras_mm
        distance = float(np.linalg.norm(to_center))
        normal = to_center / distance
        rows = np.array([0.0, 0.0, -1.0]) if abs(normal[2]) < STEEPEST else np.array([0.0, -1.0, 0.0])
        rows = rows - (rows @ normal) * normal
        rows /= np.linalg.norm(rows)
        return XRayGeometry.from_frame(
            source_ras_mm=source_ras_mm,
            column_direction=np.cross(normal, rows),
            row_direction=rows,
            normal=normal,
            source_to_detector_mm=distance,
            size_px=(pixels, pixels),
            pixel_spacing_mm=(self.film_mm / pixels,) * 2,
            source_to_isocenter_mm=distance,
        )

    def film(self, radiograph: Radiograph) -> Array:
        """(3, film_px, film_px): absolute line integrals of a calibrated radiograph, else ``normalised``.

        InputError when the source lies in the ball around the cube.
        """
        away_mm = np.linalg.norm(radiograph.geometry.source_ras_mm - self.center_ras_mm)
        if away_mm <= self.edge_mm * np.sqrt(3) / 2:
            raise InputError("The X-ray source lies inside the imaged region: check the geometry of the radiograph.")
        geometry = self.film_geometry(radiograph.geometry.source_ras_mm)
        rows, columns = np.mgrid[: self.film_px, : self.film_px]
        pixels = np.stack([columns, rows, np.zeros_like(rows), np.ones_like(rows)], -1)
        image, seen = seen_at(radiograph, (pixels @ geometry.pixel_to_ras.T)[..., :3])
        return film_channels(image, seen, radiograph.calibrated)

    def tensors(self, films: Sequence[Array], sources_ras_mm: Sequence[NDArray[np.float64]]) -> ViewTensors:
        """Network input from every view's film channels and source."""
        voxels, coarse = self._voxels(self.size), self._voxels(self.size // 2)
        shape, coarse_shape = (self.size,) * 3, (self.size // 2,) * 3
        projections, rays = [], []
        for source in sources_ras_mm:
            geometry = self.film_geometry(source)
            pixel = geometry.project(voxels + self.center_ras_mm)
            projections.append(((2 * pixel + 1) / self.film_px - 1).T.reshape(2, *shape))
            rays.append(self._rays(coarse, source - self.center_ras_mm).reshape(RAY_CHANNELS, *coarse_shape))
        return ViewTensors(*(np.stack(x).astype(np.float32) for x in (films, projections, rays)))

    def _voxels(self, size: int) -> NDArray[np.float64]:
        """Voxel centres (size ^3, 3) as R, A, S relative to the cube's."""
        offsets = (np.arange(size) - (size - 1) / 2) * self.edge_mm / size
        s, a, r = np.meshgrid(offsets, offsets, offsets, indexing="ij")
        return np.stack([r, a, s], -1).reshape(-1, 3)

    def _rays(self, voxels: NDArray[np.float64], source: NDArray[np.float64]) -> NDArray[np.float64]:
        """(6, voxels), everything relative to the cube's centre."""
        distance = float(np.linalg.norm(source))
        depth = (voxels - source) @ (-source / distance)
        toward = voxels - source
        toward /= np.linalg.norm(toward, axis=1, keepdims=True)
        half = self.edge_mm / 2
        steps = np.where(np.abs(toward) < 1e-9, 1e-9, toward)
        entry, leave = (-np.sign(steps) * half - source) / steps, (np.sign(steps) * half - source) / steps
        length = leave.min(axis=1) - entry.max(axis=1)
        relative_depth, magnification = (depth - distance) / half, distance / depth - 1
        return np.stack([relative_depth, *toward.T[::-1], magnification, length / self.edge_mm])


def film_channels(image: Array, seen: NDArray[np.bool_], calibrated: bool) -> Array:
    """(3, rows, columns) of a film resampled to the plane through the isocentre."""
    values = np.where(seen, image / FULL_LINE_INTEGRAL, 0) if calibrated else normalised(image, seen)
    return np.stack([values, seen, np.full(seen.shape, calibrated)]).astype(np.float32)
