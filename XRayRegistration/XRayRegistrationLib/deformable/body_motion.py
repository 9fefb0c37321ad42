"""All that may move in a deformable registration, as one vector of numbers with a prior.

First the pose (a twist of the CT about its middle), then one twist per bone piece but the largest, which the pose is
of, then the numbers that steer the soft tissue, in standard deviations. The whole displacement is bones after soft
tissue: p_ct = q + s(q), q = Phi(p).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from XRayLib.case import SurfaceMesh
from XRayLib.ct import Volume
from XRayLib.motion import DisplacementField
from XRayLib.projector.rigid import motion_from_twist

from XRayRegistrationLib.deformable.bones import BonePieces
from XRayRegistrationLib.deformable.polyrigid import PolyrigidMotion

if TYPE_CHECKING:
    from XRayLib.motion import SteeredMotion

Matrix = NDArray[np.float64]
Array = NDArray[np.float32]

GRID_MM = 6.0
"""Spacing of the displacement field: no part of the motion is finer."""

DEVIATION_GRID_MM = 12.0

UNMODELLED_SHARE = 0.1
"""Deviation of what the model of breathing gets wrong, of how far soft tissue has moved: measured on breaths of another
generator, where that of the numbers alone is right for motions of up to 20 mm and half of what it should be at 30."""

POSE = 6
"""Parameters of the pose, which come first."""

POSE_DEVIATION = (0.1, 0.1, 0.1, 30.0, 30.0, 30.0)
BONE_DEVIATION = (0.06, 0.06, 0.06, 6.0, 6.0, 6.0)
"""Prior of a twist, rad and mm: of the pose about the rigid registration's, of a bone against the pose."""
SETTLED_POSE_DEVIATION = (0.01, 0.01, 0.01, 1.5, 1.5, 1.5)
"""Of a pose where soft tissue is sought: what a rigid registration of a breathing patient leaves. One film shows depth
only over the whole of the patient: pixels near an organ would change it by many millimetres to fit that organ."""


@dataclass(frozen=True)
class BodyMotion:
    """The motion's parts.

    ``rigid`` (4, 4) ct_to_world that the pose is relative to; ``pivot_ras_mm`` the point that it turns about.
    """

    rigid: Matrix
    pivot_ras_mm: Matrix
    grid: DisplacementField
    bones: PolyrigidMotion | None
    soft: SteeredMotion | None
    bone_derivatives: Array
    """(6 (bones - 1), k, j, i, 3) change of the bones' displacement with each component of their twists."""
    pose_deviation: tuple[float, ...] = POSE_DEVIATION

    @property
    def number(self) -> int:
        """Length of the parameter vector."""
        return POSE + len(self.bone_derivatives) + self.soft_number

    @property
    def soft_number(self) -> int:
        """How many of the parameters, the last, steer the soft tissue."""
        return 0 if self.soft is None else self.soft.count

    @property
    def incompressible(self) -> SurfaceMesh | None:
        """The organ in the CT when it keeps its volume: a lung does not."""
        return None if self.soft is None or self.soft.model.thorax.organ_is_lung else self.soft.model.organ

    def derivatives(self, parameters: Matrix) -> list[DisplacementField]:
        """The change per unit of each parameter after the pose's, each on a grid of its own."""
        bones = [DisplacementField(vectors, self.grid.ijk_to_ras) for vectors in self.bone_derivatives]
        return bones if self.soft is None else [*bones, *self.soft.derivatives(self._soft(parameters))]

    @property
    def deviations(self) -> Matrix:
        """Prior standard deviations of the parameters; the prior's middle is 0."""
        bones = BONE_DEVIATION * (len(self.bone_derivatives) // 6)
        return np.array([*self.pose_deviation, *bones, *np.ones(self.soft_number)])

    def ct_to_world(self, parameters: Matrix) -> Matrix:
        """(4, 4) rigid part."""
        return self.rigid @ motion_from_twist(parameters[:POSE], self.pivot_ras_mm)

    def field(self, parameters: Matrix) -> DisplacementField:
        """The displacement before the rigid part, on ``grid``."""
        soft = self.grid
        if self.soft is not None:
            found = self.soft.field(self._soft(parameters))
            soft = found.on_grid(self.grid.vectors_mm.shape[:3], self.grid.ijk_to_ras)
        if self.bones is None:
            return soft
        twists = parameters[POSE : self.number - self.soft_number].reshape(-1, 6)
        return self.bones.field(np.concatenate([np.zeros((1, 6)), twists])).composed(soft)

    def _soft(self, parameters: Matrix) -> Matrix:
        return parameters[self.number - self.soft_number :]

    def deviation_mm(self, parameters: Matrix, covariance: Matrix) -> Volume:
        """One standard deviation of where each point is, all directions together, pose included.

        On a grid of DEVIATION_GRID_MM: it varies slowly. ``covariance`` (parameters, parameters); deformation that
        nothing steers adds to it, and a share of how far soft tissue has moved.
        """
        values, axes = np.linalg.eigh(covariance)
        roots = (axes * np.sqrt(np.maximum(values, 0))).T.astype(np.float32)
        grid = _covering(self.grid.vectors_mm.shape[:3], self.grid.ijk_to_ras, DEVIATION_GRID_MM)
        shape, matrix = grid.vectors_mm.shape[:3], grid.ijk_to_ras
        # A displacement leads from the present into the CT, the pose from the CT into the present.
        changes = (-field.on_grid(shape, matrix).vectors_mm for field in self.derivatives(parameters))
        basis = np.stack([*self._pose_derivatives(grid), *changes]).astype(np.float32)
        total = np.zeros(shape)
        if self.soft is not None:
            total += np.square(self.soft.left_out_mm.on_grid(shape, matrix).vectors_mm).sum(axis=-1)
            moved = self.soft.field(self._soft(parameters)).on_grid(shape, matrix).vectors_mm
            total += np.square(UNMODELLED_SHARE * moved).sum(axis=-1)
        for k, slice_now in enumerate(total):  # slice by slice: all at once would not fit into the processor's cache
            changes_here = roots @ basis[:, k].reshape(len(basis), -1)
            slice_now += (changes_here**2).sum(axis=0).reshape(*shape[1:], 3).sum(axis=-1)
        return Volume(np.sqrt(total), matrix, "displacement_sd_mm")

    def _pose_derivatives(self, grid: DisplacementField) -> list[Array]:
        arm = (grid.voxel_points() - self.pivot_ras_mm).astype(np.float32)
        axes = np.eye(3, dtype=np.float32)
        return [*(np.cross(axis, arm) for axis in axes), *(np.broadcast_to(axis, arm.shape) for axis in axes)]


def body_motion(
    ct: Volume,
    rigid: Matrix,
    pivot_ras_mm: Matrix,
    bones: BonePieces | None = None,
    soft: SteeredMotion | None = None,
    pose_deviation: tuple[float, ...] = POSE_DEVIATION,
) -> BodyMotion:
    """The motion of a CT; the largest bone piece moves as the pose does, and one alone is left out."""
    grid = field_grid(ct)
    polyrigid = None
    if bones is not None and len(bones) > 1:
        polyrigid = PolyrigidMotion(bones, grid.vectors_mm.shape[:3], grid.ijk_to_ras)
    by_bones = np.zeros((0, *grid.vectors_mm.shape), np.float32) if polyrigid is None else polyrigid.derivatives()[6:]
    return BodyMotion(rigid, pivot_ras_mm, grid, polyrigid, soft, by_bones, pose_deviation)


def field_grid(ct: Volume) -> DisplacementField:
    """No displacement, on a grid of about GRID_MM that covers the CT along its own axes."""
    return _covering(ct.voxels.shape, ct.ijk_to_ras, GRID_MM)


def _covering(shape_kji: tuple[int, ...], ijk_to_ras: Matrix, spacing_mm: float) -> DisplacementField:
    """No displacement, on a grid of about this spacing from the first voxel of another grid to its last."""
    own_mm = np.linalg.norm(ijk_to_ras[:3, :3], axis=0)
    size_mm = own_mm * (np.array(shape_kji[::-1]) - 1)
    cells = np.maximum(np.ceil(size_mm / spacing_mm), 1).astype(int)
    matrix = ijk_to_ras.copy()
    matrix[:3, :3] *= size_mm / cells / own_mm
    i, j, k = cells + 1
    return DisplacementField.identity((int(k), int(j), int(i)), matrix)
