"""What of a CT slides along the wall when the patient breathes, and how much of the diaphragm's motion it follows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from XRayLib.case import SurfaceMesh
from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.metrics.mesh_solid import is_closed, voxels_inside
from XRayLib.metrics.tissues import LUNG_BELOW_HU, body_mask
from XRayLib.motion.cavity import SMOOTH_MM, Cavity, cavity_of
from XRayLib.motion.spine import spine_line

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

SMALLEST_LUNG_ML = 60.0
LEAST_HEIGHT_MM = 120.0
LUNG_HEIGHT_MM = 180.0
"""From the dome to the apex: the least that counts anywhere, and what is assumed where the scan does not show it."""
LUNG_SHARE = 0.5
"""An organ with more lung than this is a lung."""
ABDOMEN_REACH_MM = 180.0
"""Below the organ, over this length, what moves with the diaphragm comes to rest."""


@dataclass(frozen=True)
class Thorax:
    """The parts of one patient that breathing tells apart, on the grid (k, j, i) of a CT whose axes are R, A, S.

    ``cavity`` is what slides along the wall; ``follows`` (0..1) how far a place goes with the diaphragm: 0 at the apex
    of the lungs, 1 from their base to the organ's lower end, 0 again deep in the abdomen.
    """

    cavity: Cavity
    follows: Array
    low_ras_mm: NDArray[np.float64]
    high_ras_mm: NDArray[np.float64]
    """(3,) corners of the body's box."""
    spine_a_mm: float
    """The front of the vertebral bodies."""
    apex_s_mm: float
    base_s_mm: float
    """Mean height of the lungs' base."""
    organ_low_s_mm: float
    organ_is_lung: bool = False
    """Then it fills and empties, and nothing beneath it but the diaphragm is known."""

    @property
    def middle_r_mm(self) -> float:
        """Between the body's sides."""
        return float(self.low_ras_mm[0] + self.high_ras_mm[0]) / 2


def thorax_of(ct: Volume, organ: SurfaceMesh, smooth_mm: float = SMOOTH_MM) -> Thorax:
    """Read a CT in HU with cubic voxels along R, A, S; ``smooth_mm`` as for ``cavity_of``.

    Raises
    ------
    InputError
        When it holds no body, or the organ is not closed or lies outside.
    """
    if not is_closed(organ):
        raise InputError("The organ's surface has holes: close it, or choose its segmentation instead.")
    body = body_mask(ct.voxels)
    spacing, origin = ct.spacing_mm[0], ct.ijk_to_ras[:3, 3]
    inside_organ = voxels_inside(organ, ct.voxels.shape, origin, spacing)
    if not (body & inside_organ).any():
        raise InputError("The organ lies outside the body in the CT: both must be in the same frame.")
    axes = [origin[n] + spacing * np.arange(ct.voxels.shape[2 - n]) for n in range(3)]
    lung = _lungs(ct, body)
    box = [np.flatnonzero(body.any(axis=across))[[0, -1]] for across in ((0, 1), (0, 2), (1, 2))]
    low, high = (np.array([axes[n][box[n][end]] for n in range(3)]) for end in (0, 1))
    spine_r, spine_front = spine_line(ct, body, axes)
    organ_is_lung = bool((lung & inside_organ).sum() > LUNG_SHARE * inside_organ.sum())
    beneath = np.zeros_like(inside_organ) if organ_is_lung else inside_organ
    base = _base_heights(lung, beneath, axes[2], spacing)
    apex = float(axes[2][np.flatnonzero(lung.any(axis=(1, 2)))[-1]]) if lung.any() else -np.inf
    highest_base = float(base.max())
    if apex < highest_base + 0.5 * LUNG_HEIGHT_MM:
        apex = highest_base + LUNG_HEIGHT_MM
    organ_low = float(np.asarray(organ.points)[:, 2].min())
    s = axes[2][:, None, None]
    lung_share = np.clip((apex - s) / np.maximum(apex - base[None], LEAST_HEIGHT_MM), 0, 1)
    rest = organ_low - 10.0 - ABDOMEN_REACH_MM
    follows = lung_share * np.clip((s - rest) / ABDOMEN_REACH_MM, 0, 1)
    spine_a = float(np.median(spine_front))
    spine_i, spine_j = (spine_r - origin[0]) / spacing, (spine_front - origin[1]) / spacing
    return Thorax(
        cavity=cavity_of(body, lung, inside_organ, spine_i, spine_j, spacing, smooth_mm),
        follows=follows.astype(np.float32),
        low_ras_mm=low,
        high_ras_mm=high,
        spine_a_mm=spine_a,
        apex_s_mm=apex,
        base_s_mm=float(base[body.any(axis=0)].mean()),
        organ_low_s_mm=organ_low,
        organ_is_lung=organ_is_lung,
    )


def _lungs(ct: Volume, body: Mask) -> Mask:
    """Large regions of air in the body."""
    from scipy.ndimage import label

    regions, count = label((ct.voxels < LUNG_BELOW_HU) & body)
    volumes_ml = np.bincount(regions.ravel(), minlength=count + 1) * np.prod(ct.spacing_mm) / 1000
    large = volumes_ml > SMALLEST_LUNG_ML
    large[0] = False
    return large[regions]


def _base_heights(lung: Mask, organ: Mask, s: NDArray, spacing: float) -> NDArray[np.float64]:
    """S of the lungs' base over every column (j, i), smooth; continued where there is no lung by its neighbours.

    ``organ`` lies beneath the diaphragm.
    """
    from scipy.ndimage import gaussian_filter

    has_lung, has_organ = lung.any(axis=0), organ.any(axis=0)
    lowest_lung = s[np.argmax(lung, axis=0)]
    highest_organ = s[len(s) - 1 - np.argmax(organ[::-1], axis=0)]
    if has_lung.any():  # lung that ends higher than most ends on the heart, not on the diaphragm
        has_lung &= lowest_lung < np.quantile(lowest_lung[has_lung], 0.6) + 20.0
    known = has_lung | has_organ
    height = np.where(has_organ, highest_organ, lowest_lung)
    sigma = 20.0 / spacing
    weight, total = known.astype(float), np.where(known, height, 0.0)
    near = gaussian_filter(weight, sigma), gaussian_filter(total, sigma)
    far = gaussian_filter(weight, 4 * sigma), gaussian_filter(total, 4 * sigma)
    mean = total.sum() / weight.sum()
    # Where no column is near, those further away count, and in the end all.
    return (near[1] + 0.05 * far[1] + 1e-4 * mean) / (near[0] + 0.05 * far[0] + 1e-4)
