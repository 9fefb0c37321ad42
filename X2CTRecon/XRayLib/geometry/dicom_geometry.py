"""Geometry of DICOM projection images (XA, RF, DX, CR and enhanced XA)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from XRayLib.errors import InputError
from XRayLib.geometry.dicom_axes import oriented_axes, read_image_axes, read_principal_point
from XRayLib.geometry.dicom_distances import read_distances
from XRayLib.geometry.dicom_frame_tags import FrameTags
from XRayLib.geometry.film import STANDARD_VIEWS, film_geometry
from XRayLib.geometry.private_block import read_private_geometry
from XRayLib.geometry.xray_geometry import XRayGeometry

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

C_ARM_MODALITIES = ("XA", "RF", "XRF")
C_ARM_FRAME = "isocentre of the C-arm at the origin"


def geometry_from_dicom(dataset: Dataset, frame_index: int = 0, view: str = "") -> XRayGeometry:
    """The geometry of one frame of a projection image, from its tags.

    Files written by this project carry their exact geometry in a private block. Others give positioner angles
    (PS3.3 C.8.7.5, with per-frame increments or enhanced functional groups) or, for films, a View Position; distances;
    the spacing on the detector; and the orientation of the image axes. What is missing or contradictory gets the usual
    value, and a phrase in ``assumed``.

    Parameters
    ----------
    dataset : pydicom Dataset with Rows and Columns
    frame_index : int
        From 0.
    view : str
        "PA", "AP", "LL" or "RL", used when the file does not tell.

    Raises
    ------
    InputError
        When the image has no size, the frame does not exist, or neither file nor ``view`` says from where it was taken.
    """
    tags = FrameTags(dataset, frame_index)
    size_px = _size_px(tags)
    frames = int(tags.number("NumberOfFrames") or 1)
    if not 0 <= frame_index < max(frames, 1):
        raise InputError(f"The image has {frames} frame(s): frame {frame_index + 1} does not exist.")
    own = read_private_geometry(dataset)
    if own is not None:
        return own.geometry
    assumed: list[str] = []
    stated_view = _stated_view(tags)
    angles = _angles(tags, assumed) if _angles_tell_the_view(tags, stated_view) else None
    name = stated_view or view.strip().upper()
    if angles is None and not name:
        name = _view_from_axes(tags, assumed)
    distances = read_distances(tags, size_px, name, tags.text("Modality") in C_ARM_MODALITIES)
    if angles is None:
        assumed.insert(0, f"{name} view with the central ray through the middle of the film")
    square = _detector(angles, name, distances.source_to_detector_mm, distances.source_to_isocenter_mm)
    principal = read_principal_point(tags, size_px, distances.pixel_spacing_mm)
    column_direction, row_direction = _image_axes(tags, square, assumed)
    return XRayGeometry.from_frame(
        source_ras_mm=square.source_ras_mm,
        column_direction=column_direction,
        row_direction=row_direction,
        normal=square.detector_normal,
        source_to_detector_mm=distances.source_to_detector_mm,
        size_px=size_px,
        pixel_spacing_mm=distances.pixel_spacing_mm,
        principal_point_px=None if principal is None else (principal[0], principal[1]),
        frame=square.frame,
        assumed=(*assumed, *distances.assumed),
        source_to_isocenter_mm=distances.source_to_isocenter_mm,
    )


def _size_px(tags: FrameTags) -> tuple[int, int]:
    columns, rows = tags.number("Columns"), tags.number("Rows")
    if not columns or not rows or columns < 1 or rows < 1:
        raise InputError("The DICOM file holds no image: it has no rows or columns.")
    return int(columns), int(rows)


def _angles_tell_the_view(tags: FrameTags, stated_view: str) -> bool:
    """Radiography systems without a C-arm often write angles of 0 whatever the view."""
    is_c_arm = tags.text("Modality") in C_ARM_MODALITIES or tags.text("PositionerType") == "CARM"
    return is_c_arm or not stated_view


def _angles(tags: FrameTags, assumed: list[str]) -> tuple[float, float] | None:
    """(primary, secondary) positioner angle of the frame, degrees; None when not stated."""
    primary, secondary = tags.number("PositionerPrimaryAngle"), tags.number("PositionerSecondaryAngle")
    if primary is None:
        return None
    primary += _increment(tags, "PositionerPrimaryAngleIncrement")
    if secondary is None:
        secondary = 0.0
        assumed.append("secondary angle 0 degrees")
    secondary += _increment(tags, "PositionerSecondaryAngleIncrement")
    if abs(primary) > 360 or abs(secondary) > 180:
        assumed.append(f"positioner angles {primary:g}/{secondary:g} are impossible: ignored")
        return None
    return primary, secondary


def _increment(tags: FrameTags, keyword: str) -> float:
    """Angle of the frame beyond the first one's. PS3.3 C.8.7.5.1.3: one value per frame counts from the first frame;
    a single value is the step from frame to frame."""
    numbers = tags.numbers(keyword) or ()
    frames = tags.number("NumberOfFrames") or 1
    if len(numbers) == 1 and frames > 1:
        return numbers[0] * tags.frame_index
    return numbers[tags.frame_index] if tags.frame_index < len(numbers) else 0.0


def _stated_view(tags: FrameTags) -> str:
    """Standard view from View Position or the View Code Sequence's meaning; empty when neither tells."""
    position = tags.text("ViewPosition")
    if position in STANDARD_VIEWS:
        return position
    codes = tags.value("ViewCodeSequence") or []
    meaning = str(codes[0].get("CodeMeaning", "")).lower() if len(codes) else ""
    wordings = {
        "PA": ("postero-anterior", "posteroanterior", "posterior-anterior"),
        "AP": ("antero-posterior", "anteroposterior", "anterior-posterior"),
        "LL": ("left lateral",),
        "RL": ("right lateral",),
    }
    plain = [name for name, words in wordings.items() if any(meaning.startswith(word) for word in words)]
    return plain[0] if plain and "oblique" not in meaning and "decubitus" not in meaning else ""


def _view_from_axes(tags: FrameTags, assumed: list[str]) -> str:
    """The standard view whose image axes fit the stated ones."""
    stated = read_image_axes(tags)
    if stated is None:
        raise InputError(
            "The X-ray does not say from where it was taken: state its view (PA, AP, LL or RL) or geometry."
        )
    shown = np.cross(stated[0], stated[1])
    view = "PA" if abs(shown[1]) > abs(shown[0]) else ("LL" if stated[0][1] < 0 else "RL")
    assumed.append(f"{view} view from the image's orientation alone")
    return view


def _detector(
    angles: tuple[float, float] | None, view: str, source_to_detector_mm: float, source_to_isocenter_mm: float
) -> XRayGeometry:
    """A view of one pixel: source, normal and the axes that an image has unless its tags say otherwise."""
    if angles is None:
        return film_geometry(
            view,
            (1, 1),
            (1.0, 1.0),
            source_to_detector_mm=source_to_detector_mm,
            source_to_patient_mm=source_to_isocenter_mm,
        )
    geometry = XRayGeometry.from_c_arm(
        primary_angle_deg=angles[0],
        secondary_angle_deg=angles[1],
        source_to_detector_mm=source_to_detector_mm,
        source_to_isocenter_mm=source_to_isocenter_mm,
        size_px=(1, 1),
        pixel_spacing_mm=(1.0, 1.0),
    )
    return replace(geometry, frame=C_ARM_FRAME)


def _image_axes(tags: FrameTags, detector: XRayGeometry, assumed: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """RAS directions of increasing column and row."""
    usual = detector.column_direction, detector.row_direction
    stated = read_image_axes(tags)
    if stated is None:
        assumed.append("image hung as usual")
        return usual
    turned = oriented_axes(*usual, stated)
    if turned is None:
        assumed.append("Patient Orientation contradicts the view: image hung as usual")
        return usual
    return turned
