"""Geometry of films that carry none: a standard view at a stated distance, everything marked as assumed."""

from __future__ import annotations

from XRayLib.errors import InputError
from XRayLib.geometry.xray_geometry import XRayGeometry

STANDARD_VIEWS = {"PA": 0.0, "AP": 180.0, "LL": 90.0, "RL": -90.0}
"""DICOM View Position -> direction of the beam as a positioner primary angle, degrees."""

FILM_LONG_SIDE_MM = 430.0
"""Long side of the common 35 x 43 cm chest film or detector."""

FILM_SOURCE_TO_DETECTOR_MM = 1800.0
"""The usual distance of upright chest radiography (72 inches)."""

FILM_FRAME = "middle of the patient on the central ray at the origin, patient upright"


def assumed_film_geometry(
    view: str,
    size_px: tuple[int, int],
    pixel_spacing_mm: tuple[float, float] | None = None,
    source_to_detector_mm: float = FILM_SOURCE_TO_DETECTOR_MM,
) -> XRayGeometry:
    """Geometry of a film of which only the view is known.

    Parameters
    ----------
    view : "PA", "AP", "LL" (left side at the detector) or "RL", in any case
    size_px : (columns, rows)
    pixel_spacing_mm : (row, column) or None
        None: the film's long side is taken as 430 mm.
    source_to_detector_mm : float

    Returns
    -------
    XRayGeometry
        With the patient's middle at the origin, 1600 mm from the source of a chest stand at 1800 mm. Each assumption
        is a phrase in ``assumed``.
    """
    name = view.strip().upper()
    assumed = [f"{name} view with the central ray through the middle of the film"]
    if pixel_spacing_mm is None:
        spacing = FILM_LONG_SIDE_MM / max(size_px)
        pixel_spacing_mm = (spacing, spacing)
        assumed.append(f"film's long side {FILM_LONG_SIDE_MM:.0f} mm")
    source_to_patient_mm = assumed_source_to_patient_mm(source_to_detector_mm)
    assumed.append(f"source-to-detector distance {source_to_detector_mm:.0f} mm")
    assumed.append(f"patient's middle {source_to_patient_mm:.0f} mm from the source")
    return film_geometry(
        name,
        size_px,
        pixel_spacing_mm,
        source_to_detector_mm=source_to_detector_mm,
        source_to_patient_mm=source_to_patient_mm,
        assumed=tuple(assumed),
    )


def film_geometry(
    view: str,
    size_px: tuple[int, int],
    pixel_spacing_mm: tuple[float, float],
    *,
    source_to_detector_mm: float,
    source_to_patient_mm: float,
    assumed: tuple[str, ...] = (),
) -> XRayGeometry:
    """Geometry of a standard view, image axes as films are hung, the patient's middle at the origin.

    PA and AP films both hang as if the patient faced the reader (patient's left on the image's right); a left lateral
    shows the patient facing image-left, a right lateral facing image-right.
    """
    if view not in STANDARD_VIEWS:
        raise InputError(f"The view '{view}' is not known: use one of {', '.join(STANDARD_VIEWS)}.")
    seen_from_detector = XRayGeometry.from_c_arm(
        primary_angle_deg=STANDARD_VIEWS[view],
        secondary_angle_deg=0.0,
        source_to_detector_mm=source_to_detector_mm,
        source_to_isocenter_mm=source_to_patient_mm,
        size_px=size_px,
        pixel_spacing_mm=pixel_spacing_mm,
        frame=FILM_FRAME,
        assumed=assumed,
    )
    return seen_from_detector.with_axes(flip_columns=True) if view == "AP" else seen_from_detector


def assumed_source_to_patient_mm(source_to_detector_mm: float) -> float:
    """Depth of the patient's middle: 200 mm in front of the detector of a stand or table, less when all is close."""
    return source_to_detector_mm - min(200.0, 0.3 * source_to_detector_mm)
