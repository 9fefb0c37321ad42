"""Compiled loops of polyrigid motion: the bones' weights at points, and where their blended motion takes the points."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from XRayLib.motion.sampling import split, transformed

SMALL_ANGLE = 1e-2
"""In rad: below, the exponential's coefficients are those of its series."""


@njit(nogil=True, cache=True)
def shares_at(weights, ras_to_bone, x, y, z, shares):  # numba infers the types
    """Fill ``shares`` (bones,) with the ``weights`` (k, j, i, bones) at a point, linear between voxels; beyond the grid
    the nearest."""
    i, j, k = transformed(ras_to_bone, x, y, z)
    i0, u = split(i, weights.shape[2])
    j0, v = split(j, weights.shape[1])
    k0, w = split(k, weights.shape[0])
    shares[:] = 0.0
    for corner in range(8):
        di, dj, dk = corner & 1, (corner >> 1) & 1, corner >> 2
        part = (u if di else 1 - u) * (v if dj else 1 - v) * (w if dk else 1 - w)
        if part == 0:
            continue
        here = weights[k0 + dk, j0 + dj, i0 + di]
        for bone in range(len(shares)):
            shares[bone] += part * here[bone]


@njit(nogil=True, cache=True)
def all_shares(weights, ras_to_bone, points):
    """(N, bones) at points (N, 3)."""
    found = np.empty((len(points), weights.shape[3]), np.float32)
    shares = np.empty(weights.shape[3])
    for n in range(len(points)):
        shares_at(weights, ras_to_bone, points[n, 0], points[n, 1], points[n, 2], shares)
        found[n] = shares
    return found


@njit(nogil=True, cache=True)
def flowed(weights, ras_to_bone, twists, points, rounds):
    """exp(blended twist) x - x (N, 3) at points (N, 3), for ``twists`` (bones, 6) about the origin; the weights are
    those where the point comes from, which takes so many rounds of the fixed point."""
    found = np.empty((len(points), 3), np.float32)
    shares, twist, moved = np.empty(len(twists)), np.empty(6), np.empty(3)
    for n in range(len(points)):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        moved[:] = 0.0
        for _ in range(rounds):
            shares_at(weights, ras_to_bone, x + moved[0], y + moved[1], z + moved[2], shares)
            twist[:] = 0.0
            for bone in range(len(twists)):
                for component in range(6):
                    twist[component] += shares[bone] * twists[bone, component]
            _flow(twist, x, y, z, moved)
        found[n] = moved
    return found


@njit(nogil=True, cache=True)
def _flow(twist, x, y, z, moved):
    """(I + (1 - cos a)/a^2 W + (a - sin a)/a^3 W^2)(w x p + v) for the angle a of w."""
    a, b, c = twist[0], twist[1], twist[2]
    angle = math.sqrt(a * a + b * b + c * c)
    if angle < SMALL_ANGLE:
        second, third = 0.5 - angle**2 / 24, 1 / 6 - angle**2 / 120
    else:
        second, third = (1 - math.cos(angle)) / angle**2, (angle - math.sin(angle)) / angle**3
    p, q, r = b * z - c * y + twist[3], c * x - a * z + twist[4], a * y - b * x + twist[5]
    s, t, u = b * r - c * q, c * p - a * r, a * q - b * p
    moved[0] = p + second * s + third * (b * u - c * t)
    moved[1] = q + second * t + third * (c * s - a * u)
    moved[2] = r + second * u + third * (a * t - b * s)
