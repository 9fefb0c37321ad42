"""Calibration files of biplane videoradiography (Autoscoper, XMALab: "MayaCam 2.0" text)."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from XRayLib.errors import InputError
from XRayLib.geometry.camera import from_camera
from XRayLib.geometry.xray_geometry import XRayGeometry

SECTIONS = {"image size": 2, "camera matrix": 9, "rotation": 9, "translation": 3}
"""Heading -> how many numbers follow it."""

CALIBRATION_FRAME = "calibration object's coordinates taken as RAS"


def read_autoscoper_calibration(
    path: str | Path, *, pixel_spacing_mm: tuple[float, float] | None = None, source_to_detector_mm: float | None = None
) -> XRayGeometry:
    """Geometry of one camera from its text file: image size, camera matrix, rotation, translation (mm).

    The camera is OpenCV's, its world the calibration object. The file does not tell the pixel size: give it or the
    distance, else a distance is assumed (and said), which changes no ray.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8", errors="replace")[:100_000].lower()
    except OSError:
        raise InputError(f"The calibration file {path.name} cannot be read: check its path.") from None
    values = {heading: _numbers_after(text, heading, count, path.name) for heading, count in SECTIONS.items()}
    columns, rows = (int(n) for n in values["image size"])
    return from_camera(
        values["camera matrix"].reshape(3, 3),
        values["rotation"].reshape(3, 3),
        values["translation"],
        (columns, rows),
        pixel_spacing_mm=pixel_spacing_mm,
        source_to_detector_mm=source_to_detector_mm,
        frame=CALIBRATION_FRAME,
    )


def _numbers_after(text: str, heading: str, count: int, name: str) -> np.ndarray:
    _, found, rest = text.partition(heading)
    body = re.split(r"\n\s*[a-z][a-z ]+\s*\n", rest, maxsplit=1)[0]
    try:
        numbers = np.array([float(word) for word in re.split(r"[\s,;]+", body.strip())])
    except ValueError:
        numbers = np.zeros(0)
    if not found or numbers.size != count:
        raise InputError(f"{name} is not a camera calibration: '{heading}' must be followed by {count} numbers.")
    return numbers
