"""Landmarks seen on films from a known pose."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from XRayLib.case import Landmarks
from XRayLib.geometry import XRayGeometry

# Vertebrae, ribs, clavicles, iliac crests: scattered over a trunk, mm.
TRUNK = np.array(
    [
        [0.0, -60, 110],
        [5, -75, 10],
        [-110, -20, 60],
        [120, -10, 40],
        [-70, 65, 130],
        [75, 60, 120],
        [-130, 5, -110],
        [125, 15, -120],
        [0, 85, 30],
        [20, -50, -90],
    ]
)


def c_arm(primary: float = 0.0, secondary: float = 0.0) -> XRayGeometry:
    return XRayGeometry.from_c_arm(
        primary_angle_deg=primary,
        secondary_angle_deg=secondary,
        source_to_detector_mm=1020.0,
        source_to_isocenter_mm=700.0,
        size_px=(512, 512),
        pixel_spacing_mm=(0.8, 0.8),
    )


def pose_near_nominal(rng: np.random.Generator, turn_deg: float = 30.0) -> NDArray[np.float64]:
    axis = rng.normal(size=3)
    matrix = np.eye(4)
    turn = np.deg2rad(turn_deg) * rng.random()
    matrix[:3, :3] = Rotation.from_rotvec(turn * axis / np.linalg.norm(axis)).as_matrix()
    matrix[:3, 3] = rng.uniform(-50, 50, 3)
    return matrix


def seen(pose: NDArray, points: NDArray, views: Sequence[XRayGeometry], noise_px: float = 0.0, rng=None) -> Landmarks:
    world = points @ pose[:3, :3].T + pose[:3, 3]
    pixels = np.stack([view.project(world) for view in views])
    if noise_px:
        pixels = pixels + noise_px * rng.normal(size=pixels.shape)
    return Landmarks(points, pixels, tuple(f"L{n}" for n in range(len(points))))


def mean_error_mm(first: NDArray, second: NDArray, points: NDArray = TRUNK) -> float:
    difference = points @ (first - second)[:3, :3].T + (first - second)[:3, 3]
    return float(np.linalg.norm(difference, axis=1).mean())
