"""The phantom's bones: spine, ribs with cartilage, sternum, clavicles, scapulae, humeri."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from XRayLib.phantom import labels
from XRayLib.phantom.body_plan import BodyPlan
from XRayLib.phantom.canvas import Canvas
from XRayLib.phantom.shapes import Blade, Ellipsoid, Shape, Tube, shifted, tubes_along
from XRayLib.phantom.trunk import Trunk

Vector = NDArray[np.float64]

FIRST_THORACIC_S_MM = 152.0

# Bony end of ribs 1 to 12: height S (mm) and azimuth as a fraction of the way from the back (0) to the front (1).
RIB_END_S = (118, 82, 55, 28, 0, -28, -58, -85, -105, -122, -135, -141)
RIB_END_AZIMUTH = (0.86, 0.87, 0.87, 0.86, 0.84, 0.80, 0.76, 0.70, 0.63, 0.56, 0.38, 0.24)
CARTILAGE_S = (108, 72, 52, 33, 14, -4, -20)
"""Where the cartilages of ribs 1 to 7 meet the sternum."""


def vertebra_heights(plan: BodyPlan) -> dict[str, float]:
    """S position of the centre of each vertebral body, mm: thoracic pitch grows from 20 to 27 mm."""
    heights = {"T1": FIRST_THORACIC_S_MM}
    for n in range(1, 12):
        heights[f"T{n + 1}"] = heights[f"T{n}"] - (20.0 + 0.6 * n)
    for n in range(1, 5):
        heights[f"L{n}"] = heights["T12"] - 30.5 - 33.5 * (n - 1)
    for n in range(7, 3, -1):
        heights[f"C{n}"] = FIRST_THORACIC_S_MM + 18.0 + 17.0 * (7 - n)
    return {name: plan.height * height for name, height in heights.items()}


def paint_skeleton(canvas: Canvas, trunk: Trunk) -> None:
    """Paint all bones over what is on the canvas."""
    plan = trunk.plan
    trabecular, cortical = 220.0 * plan.bone, 1250.0 * plan.bone
    _paint_spine(canvas, plan, trabecular, cortical)
    for right in (False, True):
        _paint_ribs(canvas, trunk, right, trabecular, cortical)
        _paint_shoulder(canvas, trunk, right, trabecular, cortical)
    _paint_sternum(canvas, trunk, trabecular, cortical)


def _paint_spine(canvas: Canvas, plan: BodyPlan, trabecular: float, cortical: float) -> None:
    heights = vertebra_heights(plan)
    names = sorted(heights, key=lambda name: -heights[name])
    middles = [np.array([plan.spine_r_mm(heights[n]), plan.spine_a_mm(heights[n]), heights[n]], float) for n in names]
    canvas.paint(tubes_along(middles, [9.0 * plan.width] * len(middles)), 90.0)
    canal = [shifted(middle, a=-21.0 * plan.depth) for middle in middles]
    for index, name in enumerate(names):
        upper = middles[max(index - 1, 0)]
        lower = middles[min(index + 1, len(middles) - 1)]
        pitch = (upper[2] - lower[2]) / (2 if 0 < index < len(middles) - 1 else 1)
        size = float(np.clip((190.0 - heights[name] / plan.height) / 330.0, 0.35, 1.0))
        shapes = _vertebra(middles[index], pitch, size, plan)
        bone_hu = trabecular * (1.25 - 0.25 * size)
        canvas.paint(shapes, bone_hu, label=labels.VERTEBRAE[name], shell_hu=0.5 * cortical, shell_mm=1.6)
    canvas.paint(tubes_along(canal, [7.5] * len(canal)), 25.0, label=labels.SPINAL_CORD)


def _vertebra(middle: Vector, pitch: float, size: float, plan: BodyPlan) -> list[Shape]:
    """Body (a stack of discs, waisted), pedicles, laminae, transverse and spinous processes."""
    half_width, half_depth = (10.0 + 13.5 * size) * plan.width, (8.5 + 8.0 * size) * plan.depth
    half_height = 0.5 * pitch - 2.4
    shapes: list[Shape] = []
    for level, waist in ((-0.72, 1.0), (0.0, 0.9), (0.72, 1.0)):
        center = shifted(middle, s=level * half_height)
        shapes.append(
            Ellipsoid(center, (waist * half_width * 1.08, waist * half_depth * 1.08, 0.52 * half_height + 1.5))
        )
    shapes.append(
        Blade(
            shifted(middle, -half_width * 0.45),
            shifted(middle, half_width * 0.45),
            half_depth * 0.82,
            half_height,
            (0, 1, 0),
        )
    )
    back = shifted(middle, a=-half_depth, s=0.2 * half_height)
    ring = 11.0 + 3.0 * size
    for side in (-1.0, 1.0):
        pedicle_end = shifted(back, side * ring, -11.0)
        shapes.append(Tube(shifted(back, side * (ring - 1), 2.0), pedicle_end, 4.2 + size))
        shapes.append(Tube(pedicle_end, shifted(back, side * 3.0, -23.0, -4.0), 4.0))
        shapes.append(
            Tube(pedicle_end, shifted(pedicle_end, side * (17.0 + 5.0 * size) * plan.width, -9.0, 2.0), 4.4, 3.4)
        )
        shapes.append(Tube(shifted(pedicle_end, s=-0.45 * pitch), shifted(pedicle_end, s=0.45 * pitch), 4.2))
    tip = shifted(back, a=-23.0 - 22.0 * plan.depth, s=-4.0 - 0.55 * pitch)
    shapes.append(Blade(shifted(back, a=-21.0, s=-3.0), tip, 6.0 + 3.0 * size, 2.3, (0, 0.35, 0.937)))
    return shapes


def _paint_ribs(canvas: Canvas, trunk: Trunk, right: bool, trabecular: float, cortical: float) -> None:
    side = 1.0 if right else -1.0
    heights = vertebra_heights(trunk.plan)
    cartilages: list[Shape] = []
    previous_joint: Vector | None = None
    for number in range(1, 13):
        path = _rib_path(trunk, number, side, heights[f"T{number}"])
        width_mm = 6.4 if number > 1 else 8.0
        shapes = _rib_pieces(path, width_mm * min(1.0, 0.75 + 0.05 * (13 - number)), 3.7)
        canvas.paint(shapes, trabecular, label=labels.rib(number, right), shell_hu=cortical, shell_mm=1.5)
        joint = _cartilage_joint(trunk, number, side, previous_joint)
        if joint is not None:
            previous_joint = (path[-1] + joint) / 2
            cartilages += tubes_along(np.stack([path[-1], shifted(previous_joint, s=-3.0), joint]), [5.5, 5.0, 4.5])
    canvas.paint(cartilages, 115.0, label=labels.COSTAL_CARTILAGE)


def _rib_path(trunk: Trunk, number: int, side: float, vertebra_s: float) -> Vector:
    """Points (N, 3) from the vertebra's side along the cage, sloping down to the bony end."""
    plan = trunk.plan
    fraction = np.linspace(0, 1, 26)
    start_s, end_s = vertebra_s + 7.0, RIB_END_S[number - 1] * plan.height
    s = start_s + (end_s - start_s) * fraction**1.1
    azimuth = np.pi * (0.17 + (RIB_END_AZIMUTH[number - 1] - 0.17) * fraction)
    path = trunk.cage_point(azimuth, s)
    path[:, 0] = path[:, 0] * side
    body = np.array(
        [plan.spine_r_mm(vertebra_s) + side * 15.0 * plan.width, plan.spine_a_mm(vertebra_s) - 12.0, start_s - 2.0]
    )
    neck = 0.45 * body + 0.55 * path[0] + np.array([0.0, -3.0, 1.0])
    return np.vstack([body, neck, path])


def _rib_pieces(path: Vector, half_width: float, half_thickness: float) -> list[Shape]:
    shapes: list[Shape] = []
    for start, end in pairwise(path):
        along = (end - start) / np.linalg.norm(end - start)
        across = np.array([0, 0, 1.0]) - along[2] * along
        shapes.append(Blade(start, end, half_width, half_thickness, across / np.linalg.norm(across)))
    return shapes


def _cartilage_joint(trunk: Trunk, number: int, side: float, previous: Vector | None) -> Vector | None:
    """Where a rib's cartilage ends: at the sternum (1 to 7), at the cartilage above (8 to 10), nowhere (11, 12)."""
    if number <= len(CARTILAGE_S):
        s = CARTILAGE_S[number - 1] * trunk.plan.height
        return np.array([side * (24.0 if number == 1 else 17.0), _sternum_a(trunk, s), s])
    return previous if number <= 10 else None


def _sternum_a(trunk: Trunk, s: float) -> float:
    _, _, front = trunk.cage_section(s)
    return float(front) + 1.0


def _paint_sternum(canvas: Canvas, trunk: Trunk, trabecular: float, cortical: float) -> None:
    height = trunk.plan.height
    stations = [(118, 27), (98, 24), (72, 16), (40, 17), (8, 19), (-14, 16), (-28, 10), (-48, 5)]
    points = [np.array([0.0, _sternum_a(trunk, s * height), s * height]) for s, _ in stations]
    shapes: list[Shape] = []
    for (start, end), (_, half) in zip(pairwise(points), stations[:-1], strict=True):
        shapes.append(Blade(start, end, half * trunk.plan.width, 5.6, (1, 0, 0)))
    canvas.paint(shapes, 0.7 * trabecular, label=labels.STERNUM, shell_hu=0.6 * cortical, shell_mm=1.4)


def _paint_shoulder(canvas: Canvas, trunk: Trunk, right: bool, trabecular: float, cortical: float) -> None:
    plan, side = trunk.plan, 1.0 if right else -1.0

    def at(r: float, a: float, s: float) -> Vector:
        return np.array([side * r * plan.width, a * plan.depth, s * plan.height])

    raise_mm = 0.0 if plan.arms else 16.0
    acromion, glenoid = at(158, -28, 146 + raise_mm), at(148, -30, 118 + raise_mm)
    clavicle = np.stack(
        [
            at(20, 44, 120),
            at(52, 42, 128),
            at(95, 18, 138 + 0.5 * raise_mm),
            at(130, -10, 146 + 0.8 * raise_mm),
            acromion,
        ]
    )
    canvas.paint(
        tubes_along(clavicle, [8.5, 6.2, 5.6, 6.0, 6.5]),
        trabecular,
        label=labels.RIGHT_CLAVICLE if right else labels.LEFT_CLAVICLE,
        shell_hu=cortical,
        shell_mm=2.0,
    )
    below, above = at(118, -94, 12 + raise_mm), at(78, -84, 142 + raise_mm)
    blade_middle = (below + above + glenoid) / 3
    normal = np.cross(above - below, glenoid - below)
    normal /= np.linalg.norm(normal)
    long_axis = (above + glenoid) / 2 - below
    long_axis /= np.linalg.norm(long_axis)
    plate = Ellipsoid(blade_middle + 8 * long_axis, (3.2, 36.0, 56.0), (normal, np.cross(long_axis, normal), long_axis))
    ridge_start = below + 0.76 * (above - below)
    shapes = [
        plate,
        Tube(glenoid, below, 5.5, 4.0),
        Tube(below, above, 3.5, 3.0),
        Tube(ridge_start, shifted(acromion, a=-6.0), 3.5, 8.0),
        Tube(glenoid, shifted(glenoid, -side * 14.0, 26.0, 14.0), 6.0, 5.0),
        Ellipsoid(glenoid, (8.0, 13.0, 18.0)),
    ]
    canvas.paint(
        shapes,
        trabecular,
        label=labels.RIGHT_SCAPULA if right else labels.LEFT_SCAPULA,
        shell_hu=0.75 * cortical,
        shell_mm=1.6,
    )
    head, elbow = humerus_ends(plan, side)
    canvas.paint(
        [
            Ellipsoid(head, (23.0, 22.0, 23.0)),
            Tube(head, head + 0.25 * (elbow - head), 19.0, 13.0),
            Tube(head, elbow, 13.0, 11.5),
        ],
        0.8 * trabecular,
        label=labels.RIGHT_HUMERUS if right else labels.LEFT_HUMERUS,
        shell_hu=cortical,
        shell_mm=3.2,
    )


def humerus_ends(plan: BodyPlan, side: float) -> tuple[Vector, Vector]:
    """Centre of the humeral head and the elbow: arms hang, or are raised beside the head as for a CT."""
    scale = np.array([side * plan.width, plan.depth, plan.height])
    if plan.arms:
        return np.array([174, -22, 122]) * scale, np.array([226, -18, -180]) * scale
    return np.array([168, -20, 142]) * scale, np.array([186, 10, 420]) * scale
