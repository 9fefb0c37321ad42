"""A procedural torso: a CT of nobody, for the demonstration, for tests and as additional training data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.phantom.body_plan import BodyPlan
from XRayLib.phantom.canvas import Canvas, Displacement
from XRayLib.phantom.lungs import paint_lung_vessels, paint_lungs
from XRayLib.phantom.organs import FAT_HU, MUSCLE_HU, paint_abdomen, paint_airways, paint_mediastinum
from XRayLib.phantom.shapes import Ellipsoid, Shape, Tube, shifted
from XRayLib.phantom.skeleton import humerus_ends, paint_skeleton
from XRayLib.phantom.trunk import Trunk

Array = NDArray[np.float32]

LOWEST_S_MM, HIGHEST_S_MM = -225.0, 205.0
LARGEST_BEND_MM = 5.0
CHEST_WALL_MM = 5.0
"""From the middle of the ribs to the lung."""


@dataclass(frozen=True)
class TorsoPhantom:
    """The CT in HU, its labels (``labels.py``) and the individual's plan."""

    ct: Volume
    labels: Volume
    plan: BodyPlan


def torso_phantom(
    seed: int, spacing_mm: float = 2.5, *, arms: bool = False, plan: BodyPlan | None = None
) -> TorsoPhantom:
    """A torso from the neck to the upper abdomen, drawn from ``seed``; the same seed gives the same patient.

    Parameters
    ----------
    seed : int
        Draws size, sex-like build, posture, asymmetry, contrast medium and texture.
    spacing_mm : float
        Voxel size, 0.5 to 10; 2.5 takes a few seconds.
    arms : bool
        True: hanging, as on films; False: raised and cut off by the upper end, as for a chest CT.
    plan : BodyPlan or None
        Proportions instead of random ones; texture and bending still come from the seed.
    """
    if not 0.5 <= spacing_mm <= 10:
        raise InputError("The phantom's voxel size must be 0.5 to 10 mm.")
    rng = np.random.default_rng(seed)
    drawn = BodyPlan.drawn(rng, arms)
    plan = drawn if plan is None else plan
    canvas = Canvas(*_grid(plan, spacing_mm), _bending(rng), LARGEST_BEND_MM)
    trunk = Trunk(plan)
    _paint_soft_tissue(canvas, trunk)
    lung = _paint_cavities(canvas, trunk, rng)
    lung_cover = canvas.coverage(lung)
    paint_mediastinum(canvas, trunk, rng)
    paint_airways(canvas, trunk)
    paint_lung_vessels(canvas, lung_cover, trunk, rng)
    paint_skeleton(canvas, trunk)
    _add_texture(canvas, rng)
    ct = Volume(canvas.hu, canvas.ijk_to_ras)
    return TorsoPhantom(ct, Volume(canvas.labels.astype(np.float32), canvas.ijk_to_ras, "label"), plan)


def _grid(plan: BodyPlan, spacing_mm: float) -> tuple[tuple[int, int, int], float, tuple[float, float, float]]:
    half_width = 205.0 * plan.width + plan.fat_mm + (75.0 if plan.arms else 0.0)
    half_depth = 128.0 * plan.depth + plan.fat_mm * 1.4 + 45.0 * plan.breast
    size_mm = (2 * half_width, 2 * half_depth, (HIGHEST_S_MM - LOWEST_S_MM) * plan.height)
    shape_kji = tuple(int(np.ceil(size / spacing_mm)) for size in size_mm[::-1])
    return shape_kji, spacing_mm, (0.0, 12.0 * plan.breast, 0.5 * (HIGHEST_S_MM + LOWEST_S_MM) * plan.height)  # type: ignore[return-value]


def _bending(rng: np.random.Generator) -> Displacement:
    """A smooth displacement of a few millimetres that makes left and right differ."""
    waves = rng.uniform(-1, 1, (3, 3))
    phases = rng.uniform(0, 2 * np.pi, (3, 3))
    lengths = rng.uniform(180, 320, (3, 3))
    amplitude = LARGEST_BEND_MM / 3

    def displacement(r: Array, a: Array, s: Array) -> tuple[Array, Array, Array]:
        positions = (r, a, s)
        moved = []
        for n in range(3):
            # Each component varies along the other two axes and itself; separable, so 1D waves are enough.
            total = np.zeros_like(r)
            for m in range(3):
                total += np.float32(amplitude * waves[n, m]) * np.sin(
                    positions[m] * np.float32(2 * np.pi / lengths[n, m]) + np.float32(phases[n, m])
                )
            moved.append(total)
        return moved[0], moved[1], moved[2]

    return displacement


def _paint_soft_tissue(canvas: Canvas, trunk: Trunk) -> None:
    """Skin and fat, muscle, shoulders and arms, breasts."""
    plan = trunk.plan
    skin = trunk.skin_distance(canvas.r, canvas.a, canvas.s)
    canvas.paint_distance(skin, FAT_HU)
    for side in (-1.0, 1.0):
        if plan.breast > 0:
            _paint_breast(canvas, trunk, side)
        head, elbow = humerus_ends(plan, side)
        arm: list[Shape] = [Ellipsoid(head, (50, 46, 50)), Tube(head, elbow, 47.0, 40.0)]
        shoulder = Tube(head, (side * 60.0 * plan.width, -30.0, 120.0 * plan.height), 46.0, 40.0)
        canvas.paint([*arm, shoulder], FAT_HU)
        fat = 0.55 * plan.fat_mm
        thinner = [
            Ellipsoid(head, (50 - fat, 46 - fat, 50 - fat)),
            Tube(head, elbow, 47.0 - fat, 40.0 - fat),
            Tube(head, shoulder.end, 46.0 - fat, 40.0 - fat),
        ]
        canvas.paint(thinner, MUSCLE_HU)
    inset = 3.0 + 0.8 * plan.fat_mm
    canvas.paint_distance(skin + np.float32(inset), MUSCLE_HU)


def _paint_breast(canvas: Canvas, trunk: Trunk, side: float) -> None:
    plan = trunk.plan
    size = 36.0 + 22.0 * plan.breast
    front = float(trunk.cage_section(8.0)[2]) + 6.0
    center = np.array([side * 80.0 * plan.width, front, 8.0 * plan.height])
    outward = np.array([(side * 0.35, 0.94, 0.0), (0.94, -side * 0.35, 0.0), (0.0, 0.0, 1.0)])
    canvas.paint(Ellipsoid(center, (0.8 * size, 1.2 * size, 1.15 * size), outward), FAT_HU)
    gland = shifted(center + 0.38 * size * outward[0], s=-0.1 * size)
    canvas.paint(Ellipsoid(gland, (0.42 * size, 0.6 * size, 0.6 * size), outward), -65.0)


def _paint_cavities(canvas: Canvas, trunk: Trunk, rng: np.random.Generator) -> Array:
    """Abdominal fat and organs, then the lungs above the diaphragm; returns the lungs' signed distance."""
    cage = trunk.cage_distance(canvas.r, canvas.a, canvas.s, CHEST_WALL_MM)
    height = trunk.above_diaphragm_mm(canvas.r, canvas.a, canvas.s)
    abdomen = np.maximum(cage, height + np.float32(3.0))
    canvas.paint_distance(abdomen, FAT_HU + 5)
    paint_abdomen(canvas, trunk, canvas.coverage(abdomen), rng)
    lung = np.maximum(cage, np.float32(1.5) - height)
    lung = np.maximum(lung, -trunk.below_apex_mm(canvas.r, canvas.a, canvas.s))
    paint_lungs(canvas, lung, trunk)
    return lung


def _add_texture(canvas: Canvas, rng: np.random.Generator) -> None:
    """Quantum noise of a soft reconstruction kernel and slow tissue inhomogeneity, inside the body only."""
    from scipy.ndimage import gaussian_filter

    noise = rng.standard_normal(canvas.hu.shape, dtype=np.float32)
    soft = gaussian_filter(noise, 1.0)
    canvas.hu += np.where(canvas.hu > -950, soft * np.float32(10.0 / max(float(soft.std()), 1e-6)), 0)
