"""Bones that move as wholes and take the tissue around them along.

PolyPose (V. Gopalakrishnan et al., NeurIPS 2025): Phi(x) = exp(sum_k w_k log T_k / sum_k w_k) x, w_k = m_k/(1 + d_k^2),
d_k the distance to bone k in mm and m_k its mass. Nothing is to be tuned, and the map is smooth and one-to-one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from XRayLib.motion import DisplacementField

from XRayRegistrationLib.deformable.bones import BonePieces
from XRayRegistrationLib.deformable.polyrigid_flow import all_shares, flowed

Matrix = NDArray[np.float64]
Array = NDArray[np.float32]

WEIGHT_ROUNDS = 2
"""The weights belong to the CT's points, which depend on the motion: so many rounds of the fixed point."""


class PolyrigidMotion:
    """The field of bones' motions.

    The motion k is a twist (rotation vector in rad, translation in mm) about the bone's middle that brings the bone as
    it is now back to where it is in the CT.

    Parameters
    ----------
    bones : BonePieces
    shape_kji, ijk_to_ras : grid of the fields
    """

    def __init__(self, bones: BonePieces, shape_kji: tuple[int, int, int], ijk_to_ras: Matrix) -> None:
        self.number = len(bones)
        self._middles = bones.middles_ras_mm
        self._weights = _weights(bones)
        self._ras_to_bone = np.linalg.inv(bones.ijk_to_ras)
        self._grid = DisplacementField.identity(shape_kji, ijk_to_ras)
        self._points = self._grid.voxel_points().astype(np.float32)

    def field(self, twists: Matrix) -> DisplacementField:
        """The displacement of (bones, 6) twists."""
        if not np.any(twists):
            return self._grid
        about_origin = np.array(twists, float)
        about_origin[:, 3:] -= np.cross(about_origin[:, :3], self._middles)
        vectors = flowed(self._weights, self._ras_to_bone, about_origin, self._points.reshape(-1, 3), WEIGHT_ROUNDS)
        return DisplacementField(vectors.reshape(self._points.shape), self._grid.ijk_to_ras)

    def derivatives(self) -> Array:
        """(6 bones, k, j, i, 3) change of the displacement with each component of the twists, at no motion."""
        points = self._points.reshape(-1, 3)
        shares = all_shares(self._weights, self._ras_to_bone, points).T.reshape(-1, *self._points.shape[:3])
        found = []
        for share, middle in zip(shares, self._middles, strict=True):
            arm = self._points - middle.astype(np.float32)
            turns = [np.cross(axis, arm) for axis in np.eye(3, dtype=np.float32)]
            shifts = [np.broadcast_to(axis, arm.shape) for axis in np.eye(3, dtype=np.float32)]
            found += [share[..., None] * direction for direction in (*turns, *shifts)]
        return np.asarray(found, np.float32)


def _weights(bones: BonePieces) -> Array:
    """(k, j, i, bones) on the bones' grid, one in sum."""
    from scipy.ndimage import distance_transform_edt

    spacing_kji = np.linalg.norm(bones.ijk_to_ras[:3, :3], axis=0)[::-1]
    distances = [distance_transform_edt(~mask, spacing_kji) for mask in bones.masks]
    weights = np.array([m.sum() / (1 + d**2) for m, d in zip(bones.masks, distances, strict=True)], np.float32)
    return np.ascontiguousarray(np.moveaxis(weights / weights.sum(axis=0), 0, -1))
