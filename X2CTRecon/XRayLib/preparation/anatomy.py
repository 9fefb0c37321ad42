"""A patient's CT, ready to be projected many times: tissue on a coarse grid, the body's surface, the window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from XRayLib.ct import Volume, attenuation_from_hu, resample_isotropic
from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry
from XRayLib.geometry.box import box_corners
from XRayLib.metrics.tissues import body_mask
from XRayLib.projector import Projector
from XRayLib.simulate.materials import bone_share
from XRayLib.simulate.radiograph_simulation import cropped_to_body

Array = NDArray[np.float32]

WINDOW_MARGIN = 1.06
SMALLEST_WINDOW_MM, LARGEST_WINDOW_MM = 60.0, 480.0
AIR_HU = -1000.0


@dataclass(frozen=True)
class Anatomy:
    """What training needs of one CT.

    ``surface`` holds the CT's HU, and air outside the body. ``middle_ras_mm`` is the middle of the body's box,
    ``corners_ras_mm`` (8, 3) its corners, ``window_mm`` the width of the canonical window that holds it.
    """

    soft: Projector
    bone: Projector
    surface: Volume
    middle_ras_mm: NDArray[np.float64]
    corners_ras_mm: NDArray[np.float64]
    window_mm: float

    def tissue(self, geometries: Sequence[XRayGeometry]) -> tuple[Array, Array]:
        """Line integrals (views, rows, columns) of water-like and bone-like tissue, as ``tissue_line_integrals``."""
        total, bone = self.soft.project(geometries), self.bone.project(geometries)
        return np.maximum(total - bone, 0), bone


def anatomy_of(ct: Volume, pixels: int, device: str = "auto") -> Anatomy:
    """Prepare a CT in HU for views of ``pixels`` x ``pixels``; InputError when it holds no body."""
    low, high = _body_box(ct)
    window_mm = float(np.clip(WINDOW_MARGIN * (high - low).max(), SMALLEST_WINDOW_MM, LARGEST_WINDOW_MM))
    # As fine as the pixels, no finer than the CT itself.
    coarse = cropped_to_body(resample_isotropic(ct, max(window_mm / pixels, min(ct.spacing_mm))))
    mu = attenuation_from_hu(coarse.voxels)
    body = body_mask(coarse.voxels)
    surface = np.where(body, np.maximum(coarse.voxels, AIR_HU), np.float32(AIR_HU))
    # Holes of the body are lungs and bowel: inside of the surface they count as body.
    surface[body] = np.maximum(surface[body], 0)
    _open_cut_ends(surface)

    def projector(values: Array) -> Projector:
        return Projector(Volume(values, coarse.ijk_to_ras, "mu_per_mm"), device=device)

    return Anatomy(
        soft=projector(mu),
        bone=projector(mu * bone_share(coarse.voxels)),
        surface=Volume(surface, coarse.ijk_to_ras),
        middle_ras_mm=(low + high) / 2,
        corners_ras_mm=box_corners(low, high),
        window_mm=window_mm,
    )


def _open_cut_ends(surface: Array) -> None:
    """Let the body run into the volume's faces where it reaches them, so that a cut is no surface (in place)."""
    for axis in range(3):
        ends = np.moveaxis(surface, axis, 0)
        if len(ends) > 2:
            np.maximum(ends[0], ends[1], out=ends[0])
            np.maximum(ends[-1], ends[-2], out=ends[-1])


def _body_box(ct: Volume) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lowest and highest R, A, S of the body's voxels."""
    body = body_mask(ct.voxels[:, ::2, ::2]) if min(ct.voxels.shape[1:]) > 64 else body_mask(ct.voxels)
    step = 2 if min(ct.voxels.shape[1:]) > 64 else 1
    if not body.any():
        raise InputError("The CT holds no body (nothing above -300 HU): choose another CT.")
    spans = [np.flatnonzero(body.any(axis=tuple(n for n in range(3) if n != axis)))[[0, -1]] for axis in range(3)]
    ijk = np.array([[i * step, j * step, k, 1] for k in spans[0] for j in spans[1] for i in spans[2]], float)
    ras = (ijk @ ct.ijk_to_ras.T)[:, :3]
    return ras.min(axis=0), ras.max(axis=0)
