"""Landmark pairs as equations: which point is seen on which film, and how far a pose leaves it from there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from XRayLib.case import Landmarks
from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry

Matrix = NDArray[np.float64]

FEWEST_POINTS = 3
SMALLEST_SPREAD_MM = 5.0
"""Standard deviation of the points across their longest line, below which a turn about that line stays unknown."""


@dataclass(frozen=True, eq=False)
class Picks:
    """M pairs of a CT point and a pixel. ``view`` and ``point`` (M,) say which film and which landmark each is of."""

    geometries: tuple[XRayGeometry, ...]
    view: NDArray[np.intp]
    point: NDArray[np.intp]
    ct_ras_mm: Matrix
    """(M, 3)"""
    pixel: Matrix
    """(M, 2) as (column, row)."""

    def __len__(self) -> int:
        return len(self.view)

    @property
    def points(self) -> int:
        """How many different landmarks are picked."""
        return len(np.unique(self.point))

    def kept(self, keep: NDArray[np.bool_]) -> Picks:
        """Those chosen by (M,) bool."""
        return replace(
            self, view=self.view[keep], point=self.point[keep], ct_ras_mm=self.ct_ras_mm[keep], pixel=self.pixel[keep]
        )

    def world(self, ct_to_world: Matrix) -> Matrix:
        """The CT points (M, 3) in the world."""
        return self.ct_ras_mm @ ct_to_world[:3, :3].T + ct_to_world[:3, 3]

    def depth_mm(self, ct_to_world: Matrix) -> Matrix:
        """Depth (M,) of every pair's CT point from its film's source."""
        third = np.array([g.ras_to_pixel[2] for g in self.geometries])[self.view]
        return np.einsum("mi,mi->m", third[:, :3], self.world(ct_to_world)) + third[:, 3]

    def residual_px(self, ct_to_world: Matrix) -> Matrix:
        """(M, 2): where the CT point projects to, less where it was picked."""
        matrices = np.array([g.ras_to_pixel for g in self.geometries])[self.view]
        seen = np.einsum("mij,mj->mi", matrices[:, :, :3], self.world(ct_to_world)) + matrices[:, :, 3]
        return seen[:, :2] / np.maximum(seen[:, 2:], 1.0) - self.pixel

    def residual_detector_mm(self, ct_to_world: Matrix) -> Matrix:
        """(M, 2): the same on the detector, mm along columns and rows."""
        return self.residual_px(ct_to_world) * self._spacing_mm

    def residual_patient_mm(self, ct_to_world: Matrix) -> Matrix:
        """(M,): the distance on the detector scaled down to the depth of the point."""
        distance = np.linalg.norm(self.residual_detector_mm(ct_to_world), axis=1)
        detector = np.array([g.source_to_detector_mm for g in self.geometries])[self.view]
        return distance * self.depth_mm(ct_to_world) / detector

    def jacobian(self, ct_to_world: Matrix, pivot_world: Matrix) -> Matrix:
        """(2 M, 6): detector mm per mm of translation R, A, S and per rad about R, A, S through the pivot."""
        world = self.world(ct_to_world)
        matrices = np.array([g.ras_to_pixel for g in self.geometries])[self.view]
        seen = np.einsum("mij,mj->mi", matrices[:, :, :3], world) + matrices[:, :, 3]
        pixel = seen[:, :2] / seen[:, 2:]
        per_mm = (matrices[:, :2, :3] - pixel[:, :, None] * matrices[:, 2:, :3]) / seen[:, 2:, None]
        per_mm *= self._spacing_mm[:, :, None]
        arm = (world - pivot_world)[:, None, :]
        return np.concatenate([per_mm, np.cross(arm, per_mm)], axis=2).reshape(-1, 6)

    @property
    def _spacing_mm(self) -> Matrix:
        return np.array([g.pixel_spacing_mm[::-1] for g in self.geometries])[self.view]


def picks_of(landmarks: Landmarks, geometries: Sequence[XRayGeometry]) -> Picks:
    """The pairs that were picked; InputError when a pose cannot follow from them."""
    ct, pixels = np.asarray(landmarks.ct_ras_mm, float), np.asarray(landmarks.pixels, float)
    if ct.ndim != 2 or ct.shape[1] != 3 or not np.isfinite(ct).all():
        raise InputError("The landmarks in the CT must be points with three finite coordinates, RAS mm.")
    if pixels.shape != (len(geometries), len(ct), 2):
        raise InputError(
            f"There are {len(geometries)} X-rays and {len(ct)} landmarks in the CT, the landmarks on the X-rays are "
            f"{pixels.shape}: pick the same points on each X-ray."
        )
    view, point = np.nonzero(np.isfinite(pixels).all(axis=2))
    picks = Picks(tuple(geometries), view, point, ct[point], pixels[view, point])
    if picks.points < FEWEST_POINTS:
        raise InputError(
            f"{picks.points} landmark(s) are picked in the CT and on an X-ray: at least {FEWEST_POINTS} are needed."
        )
    used = ct[np.unique(point)]
    spread = np.linalg.svd(used - used.mean(axis=0), compute_uv=False)[1] / np.sqrt(len(used))
    if spread < SMALLEST_SPREAD_MM:
        raise InputError("The landmarks lie on a line, which leaves a turn about it unknown: add one beside the line.")
    return picks
