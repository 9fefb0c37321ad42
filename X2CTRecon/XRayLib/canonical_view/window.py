"""A film as the networks see it: the same window of the patient, from the source, whatever the detector.

A network should not have to learn what is known. The detector's size, pixel spacing and distance only scale a film, so
every film is resampled to one window around its middle, ``window_mm`` wide in the plane through the patient's middle.
Films are read from the detector side (columns, rows and normal are left-handed); the canonical view is as the source
sees it, so that the camera is an ordinary right-handed pinhole and its pose a rotation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from XRayLib.canonical_view.contrast import two_contrasts
from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry, isocenter_depth_mm
from XRayLib.radiograph import Radiograph

Matrix = NDArray[np.float64]
Array = NDArray[np.float32]

WHOLLY_KNOWN = 0.99


@dataclass(frozen=True)
class CanonicalView:
    """A film in the canonical window.

    ``geometry`` is right-handed, in the frame of the film's own geometry. ``contrasts`` (2, side, side) is the
    networks' input. ``middle_depth_mm`` is the depth of the plane in which the window is ``window_mm`` wide.
    """

    geometry: XRayGeometry
    contrasts: Array
    middle_depth_mm: float


def canonical_view(
    radiograph: Radiograph, window_mm: float, side_px: int, middle_ras_mm: Matrix | None = None
) -> CanonicalView:
    """A part of the film, ``window_mm`` wide where the patient is, on ``side_px`` x ``side_px`` pixels.

    By default the film's middle, at the depth that the geometry assumes of the patient; else about the projection of
    ``middle_ras_mm`` (3,), in the frame of the film's geometry, and at its depth. A film that does not show the point
    raises InputError.
    """
    if middle_ras_mm is None:
        depth_mm = isocenter_depth_mm(radiograph.geometry)[0]
    else:
        depth_mm = float(radiograph.geometry.depth_mm(middle_ras_mm)[0])
        if depth_mm <= 0:
            raise InputError("The organ lies behind the X-ray's source: check the geometry and the CT's place.")
    image, mask, geometry = _reduced(radiograph, window_mm / side_px, depth_mm)
    middle_px = None if middle_ras_mm is None else geometry.project(middle_ras_mm)[0]
    to_canonical = window_transform(geometry, depth_mm, window_mm, side_px, middle_px)
    values, known = warped(image, mask, to_canonical, side_px)
    return CanonicalView(
        transformed(geometry, to_canonical, side_px, window_mm, depth_mm), two_contrasts(values, known), depth_mm
    )


def window_transform(
    geometry: XRayGeometry, depth_mm: float, window_mm: float, side_px: int, middle_px: Matrix | None = None
) -> Matrix:
    """3x3 from the film's pixels to the window's: scaled, mirrored when the film is left-handed, middle on middle.

    ``middle_px`` (column, row) comes to the window's middle; default the film's middle.
    """
    row_mm, column_mm = (s * depth_mm / geometry.source_to_detector_mm for s in geometry.pixel_spacing_mm)
    wanted_mm = window_mm / side_px
    column_scale = column_mm / wanted_mm * (-1.0 if is_left_handed(geometry) else 1.0)
    row_scale = row_mm / wanted_mm
    columns, rows = geometry.size_px
    column, row = ((columns - 1) / 2, (rows - 1) / 2) if middle_px is None else middle_px
    middle = (side_px - 1) / 2
    return np.array(
        [
            [column_scale, 0.0, middle - column_scale * column],
            [0.0, row_scale, middle - row_scale * row],
            [0.0, 0.0, 1.0],
        ]
    )


def transformed(
    geometry: XRayGeometry, to_canonical: Matrix, side_px: int, window_mm: float, depth_mm: float
) -> XRayGeometry:
    """The geometry of the canonical view that ``to_canonical`` (similarity of the pixels) leads to."""
    spacing = window_mm / side_px * geometry.source_to_detector_mm / depth_mm
    return replace(
        geometry,
        ras_to_pixel=to_canonical @ geometry.ras_to_pixel,
        size_px=(side_px, side_px),
        pixel_spacing_mm=(spacing, spacing),
    )


def warped(
    image: Array, mask: NDArray[np.bool_] | None, to_canonical: Matrix, side_px: int
) -> tuple[Array, NDArray[np.bool_]]:
    """Image (side, side), bilinear, and where all of a pixel is known."""
    import cv2

    known = np.ones(image.shape, np.float32) if mask is None else mask.astype(np.float32)
    size = (side_px, side_px)
    # OpenCV inverts the matrix itself; beyond the film nothing is known.
    values = cv2.warpAffine(image, to_canonical[:2], size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    share = cv2.warpAffine(known, to_canonical[:2], size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return values, share > WHOLLY_KNOWN


def is_left_handed(geometry: XRayGeometry) -> bool:
    """Whether columns, rows and the direction of the beam are left-handed, as on films read from the detector side."""
    axes = np.stack([geometry.column_direction, geometry.row_direction, geometry.detector_normal])
    return bool(np.linalg.det(axes) < 0)


def _reduced(
    radiograph: Radiograph, wanted_mm: float, depth_mm: float
) -> tuple[Array, NDArray[np.bool_] | None, XRayGeometry]:
    """Film, mask and geometry with pixels at most twice as fine as wanted, by area means: no aliasing afterwards."""
    import cv2

    geometry = radiograph.geometry
    at_patient = [s * depth_mm / geometry.source_to_detector_mm for s in geometry.pixel_spacing_mm]
    row_factor, column_factor = (max(1, int(wanted_mm / s)) for s in at_patient)
    if max(row_factor, column_factor) == 1:
        return radiograph.line_integral, radiograph.mask, geometry
    columns, rows = geometry.size_px
    size = (max(1, round(columns / column_factor)), max(1, round(rows / row_factor)))
    image = cv2.resize(radiograph.line_integral, size, interpolation=cv2.INTER_AREA)
    mask = radiograph.mask
    if mask is not None:
        mask = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) > WHOLLY_KNOWN
    return image, mask, geometry.resampled(size)
