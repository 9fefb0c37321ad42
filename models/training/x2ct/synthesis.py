"""One training sample: a deformed CT in the canonical cube and its films from a random X-ray room."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from X2CTReconLib.canonical import FRONTAL, LATERAL, CanonicalCube
from X2CTReconLib.canonical_intensity import normalised
from XRayLib.ct import Volume, attenuation_from_hu
from XRayLib.projector import project

from x2ct.films import FilmVariation, varied
from x2ct.patients import AIR_HU, CACHE_SPACING_MM, Patient
from x2ct.warp import warped

LOWEST_HU, HU_RANGE = -1024.0, 2500.0
"""Network value 0..1 stands for -1024..1476 HU, as published."""

MARGIN_VOXELS = 8
"""Rays cross anatomy beside the cube too."""

FIELD_NODES = 16


@dataclass(frozen=True)
class RoomVariation:
    """Geometric variation; standard deviations unless it says otherwise, millimetres and degrees."""

    log_scale: float = 0.07
    """Of each axis, beside a common one."""
    rotation_deg: tuple[float, float, float] = (3.0, 3.0, 5.0)
    """About R, A, S."""
    shift_mm: tuple[float, float, float] = (9.0, 9.0, 22.0)
    deformation_mm: float = 9.0
    control_points: tuple[int, int] = (4, 7)
    """Fewest and most control points per axis of the random B-spline."""
    source_mm: tuple[float, float] = (600.0, 2000.0)
    """Nearest and farthest source, from the isocentre."""
    reversed_share: float = 0.15
    """AP instead of PA, right instead of left lateral."""
    angle_deg: float = 3.0
    film_shift_mm: float = 4.0
    """Of each film against where its geometry says it is."""
    film_log_scale: float = 0.025
    film_rotation_deg: float = 1.2
    table_share: float = 0.25
    extend_share: float = 0.5
    """Share of samples whose anatomy goes on beyond the ends of the CT, as on a real film."""
    extended_weight: float = 0.15
    """Weight of the loss there."""


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
        weights = np.array([p.weight for p in self.patients])
        patient = self.patients[rng.choice(len(weights), p=weights / weights.sum())]
        hu, covered = self._deformed(patient, rng)
        hu = _tissue_varied(hu, rng)
        inner = slice(MARGIN_VOXELS, -MARGIN_VOXELS)
        target = np.clip((hu[inner, inner, inner] - LOWEST_HU) / HU_RANGE, 0, 1)
        weight = np.where(covered[inner, inner, inner] > 0, 1.0, self.room.extended_weight)
        films = np.stack([self._film(hu, role, rng) for role in self.views])
        return Sample(films, flipped(target), flipped(weight))

    def _deformed(self, patient: Patient, rng: np.random.Generator) -> tuple[NDArray, NDArray]:
        """HU with a margin around the cube, axes S, A, R, and where the CT covers it."""
        room, size = self.room, self.size + 2 * MARGIN_VOXELS
        hu = patient.hu
        if rng.random() >= room.table_share:
            hu = np.where(patient.body, hu, np.int16(AIR_HU))
        voxel = self.edge_mm / self.size / CACHE_SPACING_MM
        scale = np.exp(room.log_scale * (rng.standard_normal(3) + rng.standard_normal()))
        affine = rotation(rng.standard_normal(3) * room.rotation_deg) @ np.diag(voxel / scale)
        shift = np.clip(rng.standard_normal(3), -2.5, 2.5) * room.shift_mm / CACHE_SPACING_MM
        middle = (np.array(hu.shape) - 1) / 2 + shift[::-1]
        offset = middle - affine @ np.full(3, (size - 1) / 2)
        nodes = int(rng.integers(room.control_points[0], room.control_points[1] + 1))
        control = rng.standard_normal((nodes, nodes, nodes, 3)) * room.deformation_mm / CACHE_SPACING_MM
        smooth = [ndimage.zoom(control[..., n], FIELD_NODES / nodes, order=3, mode="nearest") for n in range(3)]
        extend = rng.random() < room.extend_share
        cube, covered = warped(hu, size, affine, offset, np.stack(smooth, -1), extend, float(AIR_HU))
        return cube, covered if extend else np.ones_like(covered)

    def _film(self, hu: NDArray, role: str, rng: np.random.Generator) -> NDArray[np.float32]:
        room = self.room
        spacing = self.edge_mm / self.size
        volume = Volume.axis_aligned(attenuation_from_hu(hu), (spacing,) * 3, quantity="mu_per_mm")
        shift = rng.standard_normal(3) * room.film_shift_mm
        cube = CanonicalCube(shift, self.edge_mm * np.exp(rng.standard_normal() * room.film_log_scale), self.size)
        distance = np.exp(rng.uniform(*np.log(room.source_mm)))
        across, up = np.radians(rng.standard_normal(2) * room.angle_deg)
        source = distance * np.array([np.sin(across), -np.cos(across) * np.cos(up), np.sin(up)])
        if role == LATERAL:  # the detector at the patient's left: the source at the right
            source = np.array([-source[1], source[0], source[2]])
        if rng.random() < room.reversed_share:
            source = -source
        image = project(volume, [cube.film_geometry(role, source + shift)], device="cpu")[0]
        image = ndimage.rotate(
            image, rng.standard_normal() * room.film_rotation_deg, reshape=False, order=1, mode="nearest"
        )
        return normalised(*varied(image, self.film, rng))


def flipped(volume: NDArray) -> NDArray[np.float32]:
    """Axes (S, A, R) to the network's (inferior, posterior, left), or back."""
    return np.ascontiguousarray(volume[::-1, ::-1, ::-1], dtype=np.float32)


def rotation(angles_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation matrix acting on (k, j, i), by angles about R, A, S."""
    from scipy.spatial.transform import Rotation

    return Rotation.from_euler("zyx", np.asarray(angles_deg), degrees=True).as_matrix()


def _tissue_varied(hu: NDArray, rng: np.random.Generator) -> NDArray[np.float32]:
    """Other lungs (inflation), bones (mineral content) and contrast medium."""
    bone = np.maximum(hu - 150, 0) * rng.uniform(-0.2, 0.25)
    lung = np.clip((-400 - hu) / 300, 0, 1) * (hu > -990) * rng.uniform(-40, 60)
    return (hu + bone + lung).astype(np.float32)
