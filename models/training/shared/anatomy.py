"""A random patient: one of the training CTs, deformed, in a cube along S, A, R with a margin around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from XRayLib.ct import Volume, attenuation_from_hu

from shared.evaluation import mean_template
from shared.patients import AIR_HU, CACHE_SPACING_MM, Patient, chests_of
from shared.warp import warped

LOWEST_HU, HU_RANGE = -1024.0, 2500.0
"""Network value 0..1 stands for -1024..1476 HU, as X2CT published."""

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


class Anatomy(NamedTuple):
    """``hu`` with MARGIN_VOXELS around the cube, axes S, A, R; ``known``: 1, or ``extended_weight`` beyond the CT."""

    hu: NDArray[np.float32]
    known: NDArray[np.float32]
    patient: str = ""
    """Of whom it is a deformation."""

    @property
    def inside(self) -> tuple[slice, slice, slice]:
        """The cube within the margin."""
        return (slice(MARGIN_VOXELS, -MARGIN_VOXELS),) * 3

    @property
    def target(self) -> NDArray[np.float32]:
        """Network values 0..1 of the cube."""
        return np.clip((self.hu[self.inside] - LOWEST_HU) / HU_RANGE, 0, 1)

    @property
    def weight(self) -> NDArray[np.float32]:
        """Of the loss, in the cube."""
        return self.known[self.inside]

    def attenuation(self, voxel_mm: float) -> Volume:
        """Linear attenuation with the margin, its middle at the origin."""
        return Volume.axis_aligned(attenuation_from_hu(self.hu), (voxel_mm,) * 3, quantity="mu_per_mm")


@dataclass(frozen=True)
class AnatomyStream:
    """Draws patients into cubes of ``size`` ^3 voxels and ``edge_mm``."""

    patients: list[Patient]
    edge_mm: float
    size: int = 128
    room: RoomVariation = field(default_factory=RoomVariation)

    @property
    def voxel_mm(self) -> float:
        """Spacing of the cube."""
        return self.edge_mm / self.size

    def draw(self, rng: np.random.Generator) -> Anatomy:
        """One random patient."""
        weights = np.array([p.weight for p in self.patients])
        patient = self.patients[rng.choice(len(weights), p=weights / weights.sum())]
        hu, covered = self._deformed(patient, rng)
        known = np.where(covered > 0, 1.0, self.room.extended_weight)
        return Anatomy(_tissue_varied(hu, rng), known, patient.name)

    def _deformed(self, patient: Patient, rng: np.random.Generator) -> tuple[NDArray, NDArray]:
        """HU with a margin around the cube, axes S, A, R, and where the CT covers it."""
        room, size = self.room, self.size + 2 * MARGIN_VOXELS
        hu = patient.hu
        if rng.random() >= room.table_share:
            hu = np.where(patient.body, hu, np.int16(AIR_HU))
        voxel = self.voxel_mm / CACHE_SPACING_MM
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


def template_values(patients: Sequence[Patient], edge_mm: float, size: int) -> NDArray[np.float32]:
    """Network values (size, size, size) of the training chests' mean; of all patients when none is called a chest."""
    return np.clip((mean_template(chests_of(patients), edge_mm, size).voxels - LOWEST_HU) / HU_RANGE, 0, 1).astype(
        np.float32
    )


def rotation(angles_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation matrix acting on (k, j, i), by angles about R, A, S."""
    from scipy.spatial.transform import Rotation

    return Rotation.from_euler("zyx", np.asarray(angles_deg), degrees=True).as_matrix()


def _tissue_varied(hu: NDArray, rng: np.random.Generator) -> NDArray[np.float32]:
    """Other lungs (inflation), bones (mineral content) and contrast medium."""
    bone = np.maximum(hu - 150, 0) * rng.uniform(-0.2, 0.25)
    lung = np.clip((-400 - hu) / 300, 0, 1) * (hu > -990) * rng.uniform(-40, 60)
    return (hu + bone + lung).astype(np.float32)
