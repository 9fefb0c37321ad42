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
BEND_DEVIATIONS = (0.15, 0.08, 0.05)
"""Of a spine's line, relative to half its length: slope, kyphosis or lordosis, and one passing into the other. A free
cubic leaves the spine at its ends, and the organs that slide along it with it."""
SCALE_MM, FIRST_SCALE_MM, ROUNDS = 5.0, 40.0, 8
"""Distance from the line at which a slice has half its weight: ribs and calcified vessels are taken for bone, discs are
not found."""
VERTEBRA_MM = 25.0
"""Slices of one vertebra err alike."""


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
    straight = np.full(len(body), back + 0.4 * depth)
    if weight.sum() < 50:
        return float(middle), straight
    spine_r = float(np.average(axes[0][near], weights=weight))
    beside = (axes[0] > spine_r + BESIDE_MM[0]) & (axes[0] < spine_r + BESIDE_MM[1])
    found = np.array([_front(plane, inside, beside, axes[1]) for plane, inside in zip(bone, body, strict=True)])
    return spine_r, _smooth_line(axes[2], found) if np.isfinite(found).any() else straight


def _front(bone: Mask, inside: Mask, beside: Mask, a: Array) -> float:
    """A of the foremost bone in a slice's posterior part; not a number where there is none, or where what is dense goes
    on in front of that part: a heart full of contrast medium, not a vertebra."""
    rows = np.flatnonzero(inside.any(axis=1))
    if len(rows) < 4:
        return np.nan
    behind = np.arange(rows[0], rows[0] + int(POSTERIOR_SHARE * len(rows)))
    dense = np.flatnonzero(bone[behind][:, beside].sum(axis=1) >= 2)
    return float(a[behind[dense[-1]]]) if len(dense) and dense[-1] < len(behind) - 1 else np.nan


def _smooth_line(s: Array, a: Array) -> Array:
    """A cubic through what most slices agree on, as bent as spines are; constant beyond where bone was found.

    Legendre's polynomials with prior deviations, and Cauchy's weights whose scale shrinks from round to round.
    """
    known = np.isfinite(a)
    low, high = s[known][[0, -1]]
    half_mm = max(float(high - low) / 2, 1.0)
    x = np.clip((s - (low + high) / 2) / half_mm, -1, 1)
    shapes = np.polynomial.legendre.legvander(x, len(BEND_DEVIATIONS))
    prior = np.diag([0.0, *(1 / (share * half_mm) ** 2 for share in BEND_DEVIATIONS)])
    seen, wanted = shapes[known], a[known]
    level = float(np.median(wanted))
    line = np.full(len(s), level)
    of_vertebra = max(float(s[1] - s[0]), 1.0) / VERTEBRA_MM if len(s) > 1 else 1.0
    for scale_mm in np.geomspace(FIRST_SCALE_MM, SCALE_MM, ROUNDS):
        weight = of_vertebra / (scale_mm**2 + (wanted - line[known]) ** 2)
        bent = np.linalg.solve(seen.T @ (weight[:, None] * seen) + prior, seen.T @ (weight * (wanted - level)))
        line = level + shapes @ bent
    return line
