"""The request that loads one radiograph away from the GUI."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from XRayLib.errors import InputError
from XRayLib.geometry import parse_geometry_document
from XRayLib.jobs.array_files import json_ready, write_document
from XRayLib.jobs.case_files import RADIOGRAPH_FORMAT, radiograph_document
from XRayLib.jobs.server import Request
from XRayLib.radiograph import Radiograph

THUMBNAIL_PX = 160
"""Longest side."""


def load_radiograph(request: Request) -> dict[str, Any]:
    """Params: ``path``; optional ``geometry`` (a file's path, pa, ap, ll, rl, or a geometry file's JSON object),
    ``frame_index``, ``intensity``, ``view``. Writes ``radiograph.json`` and its arrays into the folder.

    Value: ``thumbnail_png`` (base64) and ``summary`` with size, angles in degrees, distances in mm and assumptions.
    """
    from XRayLib.radiograph import load_radiograph as load

    folder = request.folder_for_arrays()
    geometry = request.params.get("geometry")
    if isinstance(geometry, dict):
        geometry = parse_geometry_document(geometry).geometry
    elif not isinstance(geometry, str | None):
        raise InputError("The radiograph's geometry must be a file, a view name or a geometry object.")
    request.progress(0.0, "Loading the radiograph")
    radiograph = load(
        request.param("path", str),
        geometry,
        frame_index=request.param("frame_index", int, 0),
        intensity=request.param("intensity", str, "auto"),
        view=request.param("view", str, ""),
    )
    request.progress(0.8, "Making the thumbnail")
    document = {"format": RADIOGRAPH_FORMAT, **radiograph_document(folder, "radiograph", radiograph)}
    write_document(folder, "radiograph", document)
    return {"summary": summary_of(radiograph), "thumbnail_png": base64.b64encode(thumbnail_png(radiograph)).decode()}


def count_frames(request: Request) -> dict[str, int]:
    """Params: ``path``. Value: ``frames``, the number of X-rays in the file."""
    from XRayLib.radiograph.frame_count import frame_count

    request.progress(0.0, "Counting the frames")
    return {"frames": frame_count(request.param("path", str))}


def summary_of(radiograph: Radiograph) -> dict[str, Any]:
    """What a view's row shows, as JSON."""
    geometry = radiograph.geometry
    return json_ready(
        {
            "size_px": geometry.size_px,
            "pixel_spacing_mm": geometry.pixel_spacing_mm,
            "source_to_detector_mm": geometry.source_to_detector_mm,
            "source_to_isocenter_mm": geometry.source_to_isocenter_mm,
            "primary_angle_deg": geometry.primary_angle_deg,
            "secondary_angle_deg": geometry.secondary_angle_deg,
            "frame": geometry.frame,
            "view": radiograph.view,
            "source": radiograph.source,
            "calibrated": radiograph.calibrated,
            "assumed": geometry.assumed,
            "assumptions": radiograph.assumptions,
        }
    )


def thumbnail_png(radiograph: Radiograph) -> bytes:
    """A small 8-bit PNG, bone bright, between the 1st and 99th percentile of the unmasked pixels."""
    from PIL import Image

    image = radiograph.line_integral
    shown = image if radiograph.mask is None or not radiograph.mask.any() else image[radiograph.mask]
    low, high = np.percentile(shown, (1, 99))
    grey = np.clip((_reduced(image) - low) / max(high - low, 1e-6), 0, 1)
    if radiograph.mask is not None:
        grey *= _reduced(radiograph.mask.astype(np.float32))
    spacing_row, spacing_column = radiograph.geometry.pixel_spacing_mm
    rows, columns = image.shape
    longest_mm = max(rows * spacing_row, columns * spacing_column)
    width = max(1, round(THUMBNAIL_PX * columns * spacing_column / longest_mm))
    height = max(1, round(THUMBNAIL_PX * rows * spacing_row / longest_mm))
    picture = Image.fromarray(np.rint(grey * 255).astype(np.uint8)).resize((width, height), Image.Resampling.BOX)
    stream = io.BytesIO()
    picture.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _reduced(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Block means, so that the thumbnail of a large film costs no large filter."""
    factor = max(1, min(image.shape) // THUMBNAIL_PX)
    rows, columns = (size // factor for size in image.shape)
    blocks = image[: rows * factor, : columns * factor].reshape(rows, factor, columns, factor)
    return blocks.mean(axis=(1, 3))
