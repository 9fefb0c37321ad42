"""Geometry files: the ``*.geometry.json`` beside an image that carries no geometry itself."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from XRayLib.errors import InputError
from XRayLib.geometry.xray_geometry import XRayGeometry
from XRayLib.whole_file import whole_file

FORMAT = "xray3d.geometry/1"
INTENSITY_KINDS = ("line_integral", "transmission", "display_bone_bright", "display_bone_dark")
"""What an image's values mean: -ln(I/I0); I/I0; or an image processed for reading with bone bright or dark."""

LARGEST_FILE_BYTES = 1_000_000


@dataclass(frozen=True)
class GeometryFile:
    """The content of a geometry file: the geometry, and what the pixel values of its image mean.

    ``intensity`` is one of INTENSITY_KINDS or None (unknown); ``scale`` multiplies stored pixel values, None when 1.
    """

    geometry: XRayGeometry
    intensity: str | None = None
    scale: float | None = None


def read_geometry_file(path: str | Path) -> XRayGeometry:
    """The geometry of a ``*.geometry.json``; InputError says what is wrong with the file."""
    return read_geometry_and_intensity(path).geometry


def read_geometry_and_intensity(path: str | Path) -> GeometryFile:
    """The geometry of a ``*.geometry.json`` with the optional intensity kind and scale of its image."""
    path = Path(path)
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise InputError(f"{path.name} is too large to be a geometry file: choose a *.geometry.json.")
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"The geometry file {path.name} does not exist: check its path.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"The geometry file {path.name} cannot be read as JSON ({type(error).__name__}).") from error
    try:
        return parse_geometry_document(document)
    except InputError as error:
        raise InputError(f"{path.name}: {error}") from error


def write_geometry_file(
    geometry: XRayGeometry, path: str | Path, intensity: str | None = None, scale: float | None = None
) -> None:
    """Write the geometry as ``xray3d.geometry/1``; ``intensity`` and ``scale`` describe the image beside it."""
    document = geometry_document(geometry, intensity, scale)
    with whole_file(path) as unfinished:
        unfinished.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def geometry_document(
    geometry: XRayGeometry, intensity: str | None = None, scale: float | None = None
) -> dict[str, Any]:
    """The JSON object of a geometry file. Numbers keep all their digits: reading gives back the same matrix."""
    document: dict[str, Any] = {
        "format": FORMAT,
        "ras_to_pixel": geometry.ras_to_pixel.tolist(),
        "size_px": list(geometry.size_px),
        "pixel_spacing_mm": list(geometry.pixel_spacing_mm),
        "source_to_detector_mm": geometry.source_to_detector_mm,
        "frame": geometry.frame,
    }
    if geometry.source_to_isocenter_mm is not None:
        document["source_to_isocenter_mm"] = geometry.source_to_isocenter_mm
    if geometry.assumed:
        document["assumed"] = list(geometry.assumed)
    if intensity is not None:
        document["intensity"] = _checked_intensity(intensity)
    if scale is not None:
        document["scale"] = _positive_number(scale, "scale")
    return document


def parse_geometry_document(document: Any) -> GeometryFile:
    """Geometry, intensity kind and scale from a geometry file's JSON object; keys it does not know are ignored.

    Raises
    ------
    InputError
        When the format differs, a key is missing, or a value cannot be a geometry.
    """
    if not isinstance(document, Mapping) or document.get("format") != FORMAT:
        raise InputError(f'this is not a geometry file: its "format" must be "{FORMAT}".')
    needed = ("ras_to_pixel", "size_px", "pixel_spacing_mm", "source_to_detector_mm")
    missing = [key for key in needed if key not in document]
    if missing:
        raise InputError(f"the geometry lacks {', '.join(missing)}.")
    try:
        geometry = XRayGeometry(
            ras_to_pixel=document["ras_to_pixel"],
            size_px=_pair(document["size_px"], "size_px"),
            pixel_spacing_mm=_pair(document["pixel_spacing_mm"], "pixel_spacing_mm"),
            source_to_detector_mm=_positive_number(document["source_to_detector_mm"], "source_to_detector_mm"),
            frame=str(document.get("frame", "")),
            assumed=tuple(str(phrase) for phrase in document.get("assumed") or ()),
            source_to_isocenter_mm=_optional_number(document, "source_to_isocenter_mm"),
        )
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError("the geometry holds values of the wrong kind: numbers are needed.") from error
    intensity = document.get("intensity")
    if intensity == "auto":
        intensity = None
    return GeometryFile(
        geometry,
        None if intensity is None else _checked_intensity(intensity),
        _optional_number(document, "scale"),
    )


def _pair(value: Any, name: str) -> tuple[Any, Any]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise InputError(f"the geometry's {name} must hold two numbers.")
    return tuple(_positive_number(v, name) for v in value)  # type: ignore[return-value]


def _positive_number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
        raise InputError(f"the geometry's {name} must be a positive number.")
    return value


def _optional_number(document: Mapping[str, Any], name: str) -> float | None:
    value = document.get(name)
    return None if value is None else float(_positive_number(value, name))


def _checked_intensity(intensity: Any) -> str:
    if intensity not in INTENSITY_KINDS:
        raise InputError(f"the intensity must be one of {', '.join(INTENSITY_KINDS)}.")
    return intensity
