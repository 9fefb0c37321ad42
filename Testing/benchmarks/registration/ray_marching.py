"""Line integrals by marching along every ray: the projector of the proof, made apart from the one that registers.

Equally spaced midpoint samples with trilinear interpolation, positions in double precision; no plane stepping and no
code shared with ``XRayLib.projector``. Water-like and bone-like tissue are integrated in the same pass.
"""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import njit
from numpy.typing import NDArray
from XRayLib.ct import Volume, attenuation_from_hu
from XRayLib.geometry import XRayGeometry
from XRayLib.simulate.materials import bone_share

Image = NDArray[np.float32]

STEP_MM = 0.5
ROWS_AT_ONCE = 16
FAST = {"contract", "reassoc", "nsz"}


def tissue_volumes(ct: Volume) -> NDArray[np.float32]:
    """(k, j, i, 2) attenuation per mm of water-like and bone-like tissue of a CT, as ``XRayLib.simulate`` has it."""
    mu = attenuation_from_hu(ct.voxels)
    bone = mu * bone_share(ct.voxels)
    return np.stack([mu - bone, bone], axis=-1)


def march(
    tissues: NDArray[np.float32],
    ijk_to_ras: NDArray[np.float64],
    geometry: XRayGeometry,
    *,
    step_mm: float = STEP_MM,
    threads: int | None = None,
) -> tuple[Image, Image]:
    """Integrals along the ray from the source through every pixel centre, up to the volume's outermost voxel centres.

    Parameters
    ----------
    tissues : (k, j, i, 2) float32
        Attenuation per mm.
    ijk_to_ras : (4, 4)
    geometry : XRayGeometry
        In the volume's RAS.
    step_mm : float
        Largest distance between samples.
    threads : int, optional
        Default OMP_NUM_THREADS, else 2.

    Returns
    -------
    soft, bone : (rows, columns) float32
    """
    ras_to_ijk = np.linalg.inv(ijk_to_ras)
    pixel_to_ijk = ras_to_ijk @ geometry.pixel_to_ras
    source = (ras_to_ijk @ [*geometry.source_ras_mm, 1.0])[:3]
    edges_mm = np.ascontiguousarray(ijk_to_ras[:3, :3])
    columns, rows = geometry.size_px
    soft, bone = np.zeros((rows, columns), np.float32), np.zeros((rows, columns), np.float32)

    def march_block(first: int) -> None:
        last = min(first + ROWS_AT_ONCE, rows)
        _march_rows(tissues, source, pixel_to_ijk, edges_mm, step_mm, first, last, soft, bone)

    with ThreadPoolExecutor(threads or int(os.environ.get("OMP_NUM_THREADS", "2"))) as pool:
        list(pool.map(march_block, range(0, rows, ROWS_AT_ONCE)))
    return soft, bone


@njit(nogil=True, cache=True, fastmath=FAST)
def _march_rows(tissues, source, pixel_to_ijk, edges_mm, step_mm, first_row, last_row, soft, bone):
    upper = np.array([tissues.shape[2] - 1.0, tissues.shape[1] - 1.0, tissues.shape[0] - 1.0])
    along = np.empty(3)
    for row in range(first_row, last_row):
        for column in range(soft.shape[1]):
            for axis in range(3):
                on_detector = pixel_to_ijk[axis, 0] * column + pixel_to_ijk[axis, 1] * row + pixel_to_ijk[axis, 3]
                along[axis] = on_detector - source[axis]
            enter, leave = _ends_in_box(source, along, upper)
            if leave > enter:
                length_mm = math.sqrt(np.sum((edges_mm @ along) ** 2)) * (leave - enter)
                soft[row, column], bone[row, column] = _integrate(
                    tissues, source, along, enter, leave, length_mm, step_mm
                )


@njit(nogil=True, cache=True, fastmath=FAST)
def _ends_in_box(source, along, upper):
    """Where the ray enters and leaves 0..upper, as fractions of the way to the detector; leave < enter: not at all."""
    enter, leave = 0.0, 1e9
    for axis in range(3):
        if along[axis] == 0.0:
            if source[axis] < 0.0 or source[axis] > upper[axis]:
                return 0.0, -1.0
            continue
        at_lower, at_upper = -source[axis] / along[axis], (upper[axis] - source[axis]) / along[axis]
        enter = max(enter, min(at_lower, at_upper))
        leave = min(leave, max(at_lower, at_upper))
    return enter, leave


@njit(nogil=True, cache=True, fastmath=FAST)
def _integrate(tissues, source, along, enter, leave, length_mm, step_mm):
    """Midpoint rule over equal steps of at most ``step_mm``."""
    planes, rows, columns = tissues.shape[0], tissues.shape[1], tissues.shape[2]
    steps = max(1, math.ceil(length_mm / step_mm))
    soft = bone = 0.0
    for step in range(steps):
        at = enter + (step + 0.5) / steps * (leave - enter)
        i, j, k = source[0] + at * along[0], source[1] + at * along[1], source[2] + at * along[2]
        i0 = min(max(int(i), 0), columns - 2)
        j0 = min(max(int(j), 0), rows - 2)
        k0 = min(max(int(k), 0), planes - 2)
        u, v, w = np.float32(i - i0), np.float32(j - j0), np.float32(k - k0)
        for corner_k in range(2):
            weight_k = w if corner_k else np.float32(1) - w
            for corner_j in range(2):
                weight = weight_k * (v if corner_j else np.float32(1) - v)
                left = tissues[k0 + corner_k, j0 + corner_j, i0]
                right = tissues[k0 + corner_k, j0 + corner_j, i0 + 1]
                soft += weight * (left[0] + u * (right[0] - left[0]))
                bone += weight * (left[1] + u * (right[1] - left[1]))
    return soft * length_mm / steps, bone * length_mm / steps
