"""All that may move in a deformable registration, as one vector of numbers with a prior.

First the pose (a twist of the CT about its middle), then one twist per bone piece, then coefficients of soft-tissue
modes in standard deviations. The whole displacement is bones after soft tissue: p_ct = q + s(q), q = Phi(p).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from XRayLib.ct import Volume
from XRayLib.motion import DisplacementField
from XRayLib.projector.rigid import motion_from_twist

from XRayRegistrationLib.deformable.bones import BonePieces
from XRayRegistrationLib.deformable.polyrigid import PolyrigidMotion

if TYPE_CHECKING:
    from XRayLib.motion import DeformationModes

Matrix = NDArray[np.float64]
Array = NDArray[np.float32]

GRID_MM = 6.0
"""Spacing of the displacement field: no part of the motion is finer."""

POSE = 6
"""Parameters of the pose, which come first."""

POSE_DEVIATION = (0.1, 0.1, 0.1, 30.0, 30.0, 30.0)
BONE_DEVIATION = (0.06, 0.06, 0.06, 6.0, 6.0, 6.0)
"""Prior of a twist, rad and mm: of the pose about the rigid registration's, of a bone against the pose."""


@dataclass(frozen=True)
class BodyMotion:
    """The motion's parts.

    ``rigid`` (4, 4) ct_to_world that the pose is relative to; ``pivot_ras_mm`` the point that it turns about.
    """

    rigid: Matrix
    pivot_ras_mm: Matrix
    grid: DisplacementField
    bones: PolyrigidMotion | None
    soft_mean: Array
    """(k, j, i, 3) displacement of the soft tissue at the modes' mean."""
    mode_derivatives: Array
    """(modes, k, j, i, 3) its change with each mode."""
    bone_derivatives: Array
    """(6 bones, k, j, i, 3) change of the bones' displacement with each component of their twists."""
    unexplained: float = 0.0
    """Share of the soft tissue's variance that the modes leave out."""

    @property
    def number(self) -> int:
        """Length of the parameter vector."""
        return POSE + len(self.bone_derivatives) + len(self.mode_derivatives)

    @property
    def derivatives(self) -> list[Array]:
        """Fields (k, j, i, 3) on ``grid``, the change per unit of each parameter after the pose's."""
        return [*self.bone_derivatives, *self.mode_derivatives]

    @property
    def deviations(self) -> Matrix:
        """Prior standard deviations of the parameters; the prior's middle is 0."""
        bones = BONE_DEVIATION * (len(self.bone_derivatives) // 6)
        return np.array([*POSE_DEVIATION, *bones, *np.ones(len(self.mode_derivatives))])

    def ct_to_world(self, parameters: Matrix) -> Matrix:
        """(4, 4) rigid part."""
        return self.rigid @ motion_from_twist(parameters[:POSE], self.pivot_ras_mm)

    def field(self, parameters: Matrix) -> DisplacementField:
        """The displacement before the rigid part, on ``grid``."""
        bones, modes = np.split(parameters[POSE:], [len(self.bone_derivatives)])
        vectors = self.soft_mean + np.tensordot(modes.astype(np.float32), self.mode_derivatives, axes=1)
        soft = DisplacementField(vectors, self.grid.ijk_to_ras)
        return soft if self.bones is None else self.bones.field(bones.reshape(-1, 6)).composed(soft)

    def deviation_mm(self, parameters: Matrix, covariance: Matrix) -> Volume:
        """One standard deviation of where each point is, all directions together, on ``grid``; pose included.

        ``covariance`` (parameters, parameters); what the modes leave out adds in proportion to how far a point moved.
        """
        values, axes = np.linalg.eigh(covariance)
        roots = (axes * np.sqrt(np.maximum(values, 0))).T.astype(np.float32)
        # A displacement leads from the present into the CT, the pose from the CT into the present.
        basis = [*self._pose_derivatives(), *(-vectors for vectors in self.derivatives)]
        total = self.unexplained / (1 - self.unexplained) * (self.field(parameters).vectors_mm ** 2).sum(axis=-1)
        for root in roots:
            change = sum(share * vectors for share, vectors in zip(root, basis, strict=True))
            total += (change * change).sum(axis=-1)
        return Volume(np.sqrt(total), self.grid.ijk_to_ras, "displacement_sd_mm")

    def _pose_derivatives(self) -> list[Array]:
        arm = (self.grid.voxel_points() - self.pivot_ras_mm).astype(np.float32)
        axes = np.eye(3, dtype=np.float32)
        return [*(np.cross(axis, arm) for axis in axes), *(np.broadcast_to(axis, arm.shape) for axis in axes)]

    def at_rest(self) -> Matrix:
        """The parameters whose displacement is nearest to none."""
        parameters = np.zeros(self.number)
        if modes := len(self.mode_derivatives):
            basis = self.mode_derivatives.reshape(modes, -1)
            products = (basis @ basis.T).astype(float)
            parameters[-modes:] = -np.linalg.lstsq(products, basis @ self.soft_mean.ravel(), rcond=1e-5)[0]
        return parameters


def body_motion(
    ct: Volume,
    rigid: Matrix,
    pivot_ras_mm: Matrix,
    bones: BonePieces | None = None,
    modes: DeformationModes | None = None,
) -> BodyMotion:
    """The motion of a CT; one bone piece alone moves as the pose does and is left out."""
    grid = field_grid(ct)
    polyrigid = None
    if bones is not None and len(bones) > 1:
        polyrigid = PolyrigidMotion(bones, grid.vectors_mm.shape[:3], grid.ijk_to_ras)
    none = np.zeros((0, *grid.vectors_mm.shape), np.float32)
    mean, derivatives = (grid.vectors_mm, none) if modes is None else _soft_tissue(modes, grid)
    by_bones = none if polyrigid is None else polyrigid.derivatives()
    unexplained = 0.0 if modes is None else float(np.clip(1 - modes.explained.sum(), 0, 0.5))
    return BodyMotion(rigid, pivot_ras_mm, grid, polyrigid, mean, derivatives, by_bones, unexplained)


def field_grid(ct: Volume) -> DisplacementField:
    """No displacement, on a grid of about GRID_MM that covers the CT along its own axes."""
    size_mm = np.array(ct.spacing_mm) * (np.array(ct.voxels.shape[::-1]) - 1)
    cells = np.maximum(np.ceil(size_mm / GRID_MM), 1).astype(int)
    matrix = ct.ijk_to_ras.copy()
    matrix[:3, :3] *= size_mm / cells / np.array(ct.spacing_mm)
    i, j, k = cells + 1
    return DisplacementField.identity((int(k), int(j), int(i)), matrix)


def _soft_tissue(modes: DeformationModes, grid: DisplacementField) -> tuple[Array, Array]:
    """Mean and change per mode on the grid."""
    on_grid = [
        DisplacementField(vectors, modes.ijk_to_ras).on_grid(grid.vectors_mm.shape[:3], grid.ijk_to_ras).vectors_mm
        for vectors in (modes.mean_mm, *modes.modes_mm)
    ]
    return on_grid[0], np.stack(on_grid[1:])
