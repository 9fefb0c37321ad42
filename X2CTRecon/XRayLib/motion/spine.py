"""The line in front of the vertebral bodies, which everything in the trunk hangs on and nothing moves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from XRayLib.ct import Volume
from XRayLib.metrics.tissues import BONE_ABOVE_HU

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

BESIDE_MM = (-2.0, 16.0)
"""To the right of the middle: the aorta with its contrast medium lies to the left."""
POSTERIOR_SHARE = 0.55
DEGREE, ROUNDS = 3, 8
OUTLIER_MM = 8.0


def spine_line(ct: Volume, body: Mask, axes: list[Array]) -> tuple[float, Array]:
    """R of the spine, and A of its front in every slice (k,), a smooth line.

    ``axes`` hold R, A, S of the voxels. Without bone, the body's middle and two fifths of its depth.
    """
    rows = np.flatnonzero(body.any(axis=(0, 2)))
    back, depth = axes[1][rows[0]], axes[1][rows[-1]] - axes[1][rows[0]]
    columns = np.flatnonzero(body.any(axis=(0, 1)))
    middle = (axes[0][columns[0]] + axes[0][columns[-1]]) / 2
    bone = (ct.voxels > BONE_ABOVE_HU) & body
    behind = axes[1] < back + 0.4 * depth
    near = np.abs(axes[0] - middle) < 60.0
    weight = bone[:, behind][:, :, near].sum(axis=(0, 1))
    if weight.sum() < 50:
        return float(middle), np.full(len(body), back + 0.4 * depth)
    spine_r = float(np.average(axes[0][near], weights=weight))
    beside = (axes[0] > spine_r + BESIDE_MM[0]) & (axes[0] < spine_r + BESIDE_MM[1])
    found = [_front(plane, inside, beside, axes[1]) for plane, inside in zip(bone, body, strict=True)]
    return spine_r, _smooth_line(axes[2], np.array(found))


def _front(bone: Mask, inside: Mask, beside: Mask, a: Array) -> float:
    """A of the foremost bone in a slice's posterior part, not a number where there is none."""
    rows = np.flatnonzero(inside.any(axis=1))
    if len(rows) < 4:
        return np.nan
    behind = np.arange(rows[0], rows[0] + int(POSTERIOR_SHARE * len(rows)))
    dense = np.flatnonzero(bone[behind][:, beside].sum(axis=1) >= 2)
    return float(a[behind[dense[-1]]]) if len(dense) else np.nan


def _smooth_line(s: Array, a: Array) -> Array:
    """A cubic through what most slices agree on; constant beyond the slices where bone was found."""
    known = np.isfinite(a)
    use = known.copy()
    scaled = (s - s.mean()) / 100.0
    for _ in range(ROUNDS):
        line = np.polynomial.Polynomial.fit(scaled[use], a[use], min(DEGREE, int(use.sum()) - 1))
        off = np.where(known, np.abs(np.where(known, a, 0) - line(scaled)), np.inf)
        limit = max(OUTLIER_MM, 1.5 * float(np.median(off[known])))
        use = off < limit
    ends = np.flatnonzero(known)[[0, -1]]
    return line(np.clip(scaled, scaled[ends[0]], scaled[ends[1]]))
