"""The phantom's soft organs: mediastinum, heart, great vessels, airways, and the upper abdomen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from XRayLib.phantom import labels
from XRayLib.phantom.canvas import Canvas
from XRayLib.phantom.shapes import Blade, Ellipsoid, Shape, shifted, tubes_along
from XRayLib.phantom.trunk import Trunk

Array = NDArray[np.float32]

FAT_HU, MUSCLE_HU, AIR_HU = -100.0, 50.0, -1000.0

# Paths through the chest at medium height: right, anterior, superior in mm.
ASCENDING_AND_ARCH = (
    (6, 22, 8),
    (16, 26, 32),
    (17, 20, 60),
    (8, 4, 82),
    (-12, -14, 90),
    (-30, -32, 82),
    (-31, -46, 60),
)
DESCENDING = ((-31, -46, 60), (-26, -50, 20), (-21, -50, -40), (-13, -44, -100), (-9, -28, -160), (-9, -18, -240))
VENA_CAVA_ABOVE = ((24, 12, 112), (27, 14, 70), (26, 12, 24))
VENA_CAVA_BELOW = ((18, 4, -18), (20, -4, -70), (17, -14, -130), (17, -14, -240))
PULMONARY_TRUNK = ((-14, 46, 8), (-20, 34, 34), (-16, 12, 50))
TRACHEA = ((0, 0, 240), (0, -6, 170), (2, -14, 110), (2, -20, 60))
RIGHT_BRONCHUS = ((2, -20, 60), (20, -22, 44), (38, -22, 32))
LEFT_BRONCHUS = ((2, -20, 60), (-20, -24, 40), (-42, -26, 30))
RIGHT_HILUM, LEFT_HILUM = (44.0, -12.0, 34.0), (-46.0, -16.0, 40.0)


def placed(trunk: Trunk, points: object) -> NDArray[np.float64]:
    """Points of the tables above in this individual's proportions."""
    plan = trunk.plan
    return np.asarray(points, float) * (plan.width, plan.depth, plan.height)


def paint_mediastinum(canvas: Canvas, trunk: Trunk, rng: np.random.Generator) -> None:
    """Fat and soft tissue between the lungs, heart, great vessels and airways."""
    plan = trunk.plan
    spine = float(plan.spine_a_mm(30.0))
    stations = [(-8, 34, 20), (-12, 33, 26), (-12, 40, 29), (-10, 48, 29), (-6, 55, 25), (-4, 60, 24)]
    heights = (175, 125, 85, 40, -10, -75)
    middles = [placed(trunk, (0, a, s)) for (a, _, _), s in zip(stations, heights, strict=True)]
    fat: list[Shape] = [
        Blade(start, end, deep * plan.depth, wide * plan.width, (0, 1, 0))
        for start, end, (_, deep, wide) in zip(middles[:-1], middles[1:], stations[1:], strict=True)
    ]
    fat.append(Blade((0, spine + 10, 150), (0, spine + 8, -140), 16.0, 13.0, (1, 0, 0)))
    fat += [Ellipsoid(placed(trunk, hilum), (15, 17, 21)) for hilum in (RIGHT_HILUM, LEFT_HILUM)]
    canvas.paint(fat, 5.0)
    _paint_heart(canvas, trunk, rng)
    blood = plan.blood_hu
    canvas.paint(tubes_along(placed(trunk, PULMONARY_TRUNK), [13, 13, 12]), blood)
    pulmonary_right = placed(trunk, ((-14, 12, 50), (14, 4, 44), RIGHT_HILUM))
    pulmonary_left = placed(trunk, ((-16, 12, 50), (-32, -6, 50), LEFT_HILUM))
    canvas.paint([*tubes_along(pulmonary_right, [11, 10, 8]), *tubes_along(pulmonary_left, [11, 10, 8])], blood)
    for path, radii, label in (
        (VENA_CAVA_ABOVE, (8, 9.5, 11), labels.SUPERIOR_VENA_CAVA),
        (VENA_CAVA_BELOW, (12, 12, 11, 11), labels.INFERIOR_VENA_CAVA),
        (ASCENDING_AND_ARCH, (15, 16.5, 15.5, 14.5, 13.5, 13, 12.5), labels.AORTA),
        (DESCENDING, (12.5, 12.5, 12, 11.5, 11, 10), labels.AORTA),
    ):
        canvas.paint(tubes_along(placed(trunk, path), radii), blood, label=label)
    branches = [
        ((2, 12, 84), (14, 10, 118), (26, 0, 160)),
        ((-8, -10, 90), (-18, -8, 125), (-26, -6, 165)),
        ((-14, -20, 90), (-34, -26, 128), (-70, -22, 142)),
    ]
    for branch in branches:
        canvas.paint(tubes_along(placed(trunk, branch), [6.0, 5.0, 4.5]), blood)
    canvas.paint(
        tubes_along(placed(trunk, ((0, -22, 170), (-4, -32, 60), (-8, -34, -40), (-16, -8, -75))), [6.5] * 4), 30.0
    )


def _paint_heart(canvas: Canvas, trunk: Trunk, rng: np.random.Generator) -> None:
    plan = trunk.plan
    # The heart rests on the diaphragm: its height follows the domes.
    base_s = 0.5 * (plan.right_dome_mm + plan.left_dome_mm) + 25.0
    size = plan.heart * (plan.width * plan.depth * plan.height) ** (1 / 3) * rng.normal(1.0, 0.02)
    apex = np.array([-0.74, 0.48, -0.47])
    apex /= np.linalg.norm(apex)
    across = np.cross(apex, (0, 0, 1.0))
    across /= np.linalg.norm(across)
    axes = np.stack([apex, across, np.cross(apex, across)])
    center = placed(trunk, (-20, 24, base_s))
    chambers = [
        Ellipsoid(center + 14 * apex * size, np.array([63, 43, 44]) * size, axes),
        Ellipsoid(center + placed(trunk, (38, -3, 0)), np.array([28, 32, 40]) * size),
        Ellipsoid(center + placed(trunk, (4, -24, 12)), np.array([38, 22, 28]) * size),
        Ellipsoid(center + placed(trunk, (0, 22, -8)), np.array([46, 28, 36]) * size),
    ]
    canvas.paint([Ellipsoid(s.center, np.asarray(s.radii) + 3.0, s.axes) for s in chambers], -40.0)
    canvas.paint(chambers, 45.0 + 0.75 * (plan.blood_hu - 42.0), label=labels.HEART)
    left = Ellipsoid(center + 14 * apex * size, np.array([42, 25, 25]) * size, axes)
    canvas.paint(left, plan.blood_hu)


def paint_airways(canvas: Canvas, trunk: Trunk) -> None:
    """Trachea and main bronchi, with walls."""
    paths = [(TRACHEA, (8.5, 8.5, 8.5, 9.0)), (RIGHT_BRONCHUS, (7.5, 7.0, 5.0)), (LEFT_BRONCHUS, (6.8, 6.0, 4.5))]
    for path, radii in paths:
        points = placed(trunk, path)
        canvas.paint(tubes_along(points, np.asarray(radii) + 1.8), 40.0)
    for path, radii in paths:
        canvas.paint(tubes_along(placed(trunk, path), radii), AIR_HU, label=labels.TRACHEA)


def paint_abdomen(canvas: Canvas, trunk: Trunk, inside_cage: Array, rng: np.random.Generator) -> None:
    """Liver, spleen, stomach, kidneys and bowel in fat, beneath the diaphragm.

    ``inside_cage`` is the coverage (0 to 1) of the abdominal cavity on the whole canvas.
    """
    plan = trunk.plan
    right_top, left_top = plan.right_dome_mm, plan.left_dome_mm
    muscle = np.float32(MUSCLE_HU)
    liver: list[Shape] = [
        Ellipsoid(placed(trunk, (62, 8, right_top - 62)), placed(trunk, (76, 88, 66))),
        Ellipsoid(placed(trunk, (0, 42, right_top - 48)), placed(trunk, (72, 44, 40))),
        Ellipsoid(placed(trunk, (78, -4, right_top - 112)), placed(trunk, (54, 66, 62))),
    ]
    contrast = plan.blood_hu > 100
    canvas.paint(liver, 105.0 if contrast else 58.0, label=labels.LIVER, within=inside_cage)
    tilt = np.array([[0.8, 0.6, 0.0], [-0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])
    spleen = Ellipsoid(placed(trunk, (-86, -46, left_top - 62)), (25, 42, 52), tilt)
    canvas.paint(spleen, 115.0 if contrast else 48.0, label=labels.SPLEEN, within=inside_cage)
    _paint_stomach(canvas, trunk, inside_cage, left_top)
    for label, r, s in ((labels.RIGHT_KIDNEY, 62, -178), (labels.LEFT_KIDNEY, -60, -164)):
        canvas.paint(
            Ellipsoid(placed(trunk, (r, -42, s)), (25, 22, 52)),
            160.0 if contrast else 32.0,
            label=label,
            within=inside_cage,
        )
    for side in (-1.0, 1.0):
        canvas.paint(
            tubes_along(placed(trunk, ((side * 22, -40, -130), (side * 36, -38, -240))), [8, 22]),
            float(muscle),
            within=inside_cage,
        )
    _paint_bowel(canvas, trunk, inside_cage, rng)


def _paint_stomach(canvas: Canvas, trunk: Trunk, inside: Array, left_top: float) -> None:
    gas = trunk.plan.gas
    fundus = placed(trunk, (-56, 8, left_top - 44))
    shapes: list[Shape] = [
        Ellipsoid(fundus, placed(trunk, (40, 42, 38))),
        *tubes_along(
            placed(trunk, ((-58, 26, left_top - 70), (-44, 44, left_top - 108), (0, 46, left_top - 120))), [30, 25, 18]
        ),
    ]
    canvas.paint(shapes, 35.0, label=labels.STOMACH, within=inside)
    if gas > 0.15:
        # Upright patient: the bubble floats under the dome, flat below.
        bubble = Ellipsoid(shifted(fundus, s=4.0), placed(trunk, (35, 36, 32)))
        level = fundus[2] + 26 - 46 * gas
        upper = np.clip((canvas.s - np.float32(level)) / np.float32(canvas.spacing_mm) + np.float32(0.5), 0, 1)
        canvas.paint(bubble, AIR_HU + 20, within=inside * upper)


def _paint_bowel(canvas: Canvas, trunk: Trunk, inside: Array, rng: np.random.Generator) -> None:
    """Colon flexures and loops with scattered gas."""
    for side, top in ((-1.0, -104), (1.0, -150)):
        path = placed(
            trunk,
            ((side * 96, 6, top - 130), (side * 102, 4, top - 50), (side * 88, 16, top), (side * 30, 62, top - 40)),
        )
        canvas.paint(tubes_along(path, [22, 22, 22, 20]), 25.0, label=labels.COLON, within=inside)
        for point in path[1:]:
            for _ in range(rng.poisson(1.2 + 3 * trunk.plan.gas)):
                center = point + rng.normal(0, 12, 3)
                canvas.paint(Ellipsoid(center, rng.uniform(5, 16, 3)), -950.0, within=inside)
    for _ in range(26):
        center = placed(trunk, (rng.uniform(-70, 70), rng.uniform(0, 70), rng.uniform(-240, -150)))
        canvas.paint(Ellipsoid(center, rng.uniform(10, 22, 3)), 35.0, within=inside)
        if rng.random() < 0.3 * trunk.plan.gas:
            canvas.paint(Ellipsoid(center, rng.uniform(5, 12, 3)), -950.0, within=inside)
