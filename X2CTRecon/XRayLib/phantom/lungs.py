"""The phantom's lungs: parenchyma with a gravity gradient, lobes, and branching vessels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from XRayLib.phantom import labels
from XRayLib.phantom.canvas import Canvas
from XRayLib.phantom.organs import LEFT_HILUM, RIGHT_HILUM, placed
from XRayLib.phantom.shapes import Shape, Tube
from XRayLib.phantom.trunk import Trunk

Array = NDArray[np.float32]
Vector = NDArray[np.float64]

TRUNKS_PER_LUNG = 9
GENERATIONS = 6
SMALLEST_RADIUS_MM = 0.55


def paint_lungs(canvas: Canvas, lung_distance: Array, trunk: Trunk) -> None:
    """Fill the lungs (signed distance on the whole canvas): denser to the back and below, labelled by lobe."""
    r, a, s = canvas.r, canvas.a, canvas.s
    gravity = np.float32(trunk.plan.lung_hu) - np.float32(0.22) * a - np.float32(0.10) * s
    canvas.paint_distance(lung_distance, gravity)
    inside = lung_distance < 0
    # Oblique fissures run from high behind to low in front; the horizontal one bounds the middle lobe.
    oblique = s - np.float32(trunk.plan.height) * (np.float32(20) - np.float32(1.05) * a)
    above_oblique, above_horizontal = oblique > 0, s > np.float32(18 * trunk.plan.height)
    canvas.labels[inside & (r < 0)] = labels.LEFT_LOWER_LOBE
    canvas.labels[inside & (r < 0) & above_oblique] = labels.LEFT_UPPER_LOBE
    canvas.labels[inside & (r >= 0)] = labels.RIGHT_LOWER_LOBE
    canvas.labels[inside & (r >= 0) & above_oblique] = labels.RIGHT_MIDDLE_LOBE
    canvas.labels[inside & (r >= 0) & above_oblique & above_horizontal] = labels.RIGHT_UPPER_LOBE


def paint_lung_vessels(canvas: Canvas, lung_cover: Array, trunk: Trunk, rng: np.random.Generator) -> None:
    """Vessels branching from the hila by Murray's law: the cubes of the daughters' radii sum to the parent's."""
    blood = trunk.plan.blood_hu
    for hilum, side in ((RIGHT_HILUM, 1.0), (LEFT_HILUM, -1.0)):
        start = placed(trunk, hilum)
        for index in range(TRUNKS_PER_LUNG):
            # Spread the trunks over directions from the lung's top to its base, front to back.
            rise = np.deg2rad(70 - 140 * (index + 0.5) / TRUNKS_PER_LUNG) + rng.normal(0, 0.15)
            turn = rng.uniform(-1.1, 1.1)
            direction = np.array([side * np.cos(rise) * np.cos(turn), np.cos(rise) * np.sin(turn), np.sin(rise)])
            tree: list[Shape] = []
            _grow(
                tree,
                start + rng.normal(0, 5, 3),
                direction,
                rng.uniform(3.4, 5.4),
                rng.uniform(28, 42),
                GENERATIONS,
                rng,
            )
            for piece in tree:
                canvas.paint(piece, blood, within=lung_cover)


def _grow(
    tree: list[Shape],
    start: Vector,
    direction: Vector,
    radius: float,
    length: float,
    left: int,
    rng: np.random.Generator,
) -> None:
    end = start + length * direction
    if left == 0 or radius < SMALLEST_RADIUS_MM:
        return
    share = rng.uniform(0.35, 0.65)
    daughters = radius * share ** (1 / 3), radius * (1 - share) ** (1 / 3)
    tree.append(Tube(start, end, radius, 0.85 * radius))
    sideways = np.cross(direction, rng.normal(size=3))
    sideways /= np.linalg.norm(sideways)
    for sign, daughter in zip((1.0, -1.0), daughters, strict=True):
        bent = direction + sign * rng.uniform(0.35, 0.75) * sideways + rng.normal(0, 0.08, 3)
        _grow(tree, end, bent / np.linalg.norm(bent), daughter * 0.92, length * rng.uniform(0.66, 0.9), left - 1, rng)
