"""Where simulated views are taken from: chosen angles about a CT, or random ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from XRayLib.ct import Volume
from XRayLib.geometry import XRayGeometry

FIELD_MARGIN = 1.04


def c_arm_views(
    ct: Volume,
    angles_deg: Sequence[tuple[float, float]] = ((0.0, 0.0), (90.0, 0.0)),
    *,
    source_to_detector_mm: float = 1020.0,
    source_to_isocenter_mm: float = 700.0,
    size_px: tuple[int, int] = (512, 512),
    pixel_spacing_mm: float | None = None,
    isocenter_ras_mm: ArrayLike | None = None,
    frame: str = "RAS of the CT",
) -> tuple[XRayGeometry, ...]:
    """Views of a CT at (primary, secondary) positioner angles.

    ``isocenter_ras_mm`` None: the middle of the CT. ``pixel_spacing_mm`` None: the smallest with which the whole CT
    fits on every view's detector.
    """
    isocenter = ct.center_ras_mm if isocenter_ras_mm is None else np.asarray(isocenter_ras_mm, float)
    views = [
        XRayGeometry.from_c_arm(
            primary_angle_deg=primary,
            secondary_angle_deg=secondary,
            source_to_detector_mm=source_to_detector_mm,
            source_to_isocenter_mm=source_to_isocenter_mm,
            size_px=size_px,
            pixel_spacing_mm=(1.0, 1.0),
            isocenter_ras_mm=isocenter,
            frame=frame,
        )
        for primary, secondary in angles_deg
    ]
    spacing = max(_fitting_spacing(ct, view) for view in views) if pixel_spacing_mm is None else pixel_spacing_mm
    return tuple(_respaced(view, spacing) for view in views)


def random_view(
    ct: Volume,
    rng: np.random.Generator,
    *,
    size_px: tuple[int, int] = (512, 512),
    pixel_spacing_mm: float | None = None,
    isocenter_ras_mm: ArrayLike | None = None,
) -> XRayGeometry:
    """A view from a random direction: a third frontal, a third lateral (each up to 15 degrees off), a third anywhere.

    Distances are those of a C-arm or of a stand; the isocentre strays up to 25 mm, the detector turns up to 5 degrees.
    """
    aim, stray = rng.integers(3), rng.uniform(-15, 15, 2)
    primary = (0.0 + stray[0], rng.choice([-90.0, 90.0]) + stray[0], rng.uniform(-180, 180))[aim]
    secondary = rng.uniform(-40, 40) if aim == 2 else 0.6 * stray[1]
    if rng.random() < 0.5:
        source_to_detector = rng.uniform(950, 1250)
        source_to_isocenter = source_to_detector * rng.uniform(0.6, 0.75)
    else:
        source_to_detector = rng.uniform(1500, 2000)
        source_to_isocenter = source_to_detector - rng.uniform(170, 280)
    middle = ct.center_ras_mm if isocenter_ras_mm is None else np.asarray(isocenter_ras_mm, float)
    (view,) = c_arm_views(
        ct,
        [(primary, secondary)],
        source_to_detector_mm=float(source_to_detector),
        source_to_isocenter_mm=float(source_to_isocenter),
        size_px=size_px,
        pixel_spacing_mm=pixel_spacing_mm,
        isocenter_ras_mm=middle + rng.uniform(-25, 25, 3),
    )
    return _turned_detector(view, np.deg2rad(rng.uniform(-5, 5)))


def _fitting_spacing(ct: Volume, view: XRayGeometry) -> float:
    """Pixel spacing at which the CT's corners just fall on the detector."""
    depth = view.depth_mm(ct.corners_ras_mm)
    if (depth < 0.05 * view.source_to_detector_mm).any():
        return 400.0 / max(view.size_px)  # the source is inside the CT's box: no detector holds it all
    offset_mm = np.abs(view.project(ct.corners_ras_mm) - view.principal_point_px).max(axis=0)
    return float(FIELD_MARGIN * max(2 * offset_mm[0] / view.size_px[0], 2 * offset_mm[1] / view.size_px[1]))


def _respaced(view: XRayGeometry, spacing_mm: float) -> XRayGeometry:
    return XRayGeometry.from_frame(
        source_ras_mm=view.source_ras_mm,
        column_direction=view.column_direction,
        row_direction=view.row_direction,
        normal=view.detector_normal,
        source_to_detector_mm=view.source_to_detector_mm,
        size_px=view.size_px,
        pixel_spacing_mm=(spacing_mm, spacing_mm),
        frame=view.frame,
        source_to_isocenter_mm=view.source_to_isocenter_mm,
    )


def _turned_detector(view: XRayGeometry, angle_rad: float) -> XRayGeometry:
    """The detector turned about the central ray."""
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    return XRayGeometry.from_frame(
        source_ras_mm=view.source_ras_mm,
        column_direction=cos * view.column_direction + sin * view.row_direction,
        row_direction=cos * view.row_direction - sin * view.column_direction,
        normal=view.detector_normal,
        source_to_detector_mm=view.source_to_detector_mm,
        size_px=view.size_px,
        pixel_spacing_mm=view.pixel_spacing_mm,
        frame=view.frame,
        source_to_isocenter_mm=view.source_to_isocenter_mm,
    )
