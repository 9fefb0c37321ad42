"""The report of a result, as HTML and as PDF: one file each, no external resources."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from XRayLib.case import Result, View
from XRayLib.report.pdf_report import write_pdf
from XRayLib.report.pictures import CT_RANGE_HU, contour_png, grey_png, orthogonal_slices, signed_png
from XRayLib.report.pose_values import pose_values

if TYPE_CHECKING:
    from XRayLib.tomography.undetermined import Undetermined

STATEMENT = (
    "Research use only. Not a medical device. A projection adds up everything along its rays: depth along a ray and "
    "internal detail in this volume are plausible estimates learned from other patients. Lesions may be missing or "
    "invented; do not measure or diagnose from it."
)
POSE_STATEMENT = (
    "Research use only. Not a medical device. The pose is where this CT's projection matches the X-rays best; it "
    "cannot tell that the anatomy has changed since the CT. Look at the contours on every X-ray before relying on it."
)


def write_report(
    result: Result,
    folder: Path,
    figures: dict[str, Path] | None = None,
    undetermined: Undetermined | None = None,
) -> Path:
    """Write ``report.html``, ``report.pdf`` and, per view, ``view<N>_reprojection.nrrd`` and ``view<N>_residual.nrrd``.

    A result with a pose gets the report of a registration. ``figures`` are further pictures (title -> PNG file), shown
    first; ``undetermined`` is what the X-rays leave open of the volume. Returns the path of the HTML file.
    """
    import jinja2

    folder.mkdir(parents=True, exist_ok=True)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined
    )
    for index, view in enumerate(result.views, start=1):
        _save_images(view, folder, index)
    values = _values(result, figures, undetermined)
    template = "report.html" if values["pose"] is None else "pose_report.html"
    path = folder / "report.html"
    path.write_text(environment.get_template(template).render(values), encoding="utf-8")
    write_pdf(values, folder / "report.pdf")
    return path


def report_writer(target: Path) -> Callable[..., Path]:
    """:func:`write_pdf_report` where the target's name ends so, else :func:`write_report`."""
    return write_pdf_report if target.suffix.lower() == ".pdf" else write_report


def write_pdf_report(result: Result, path: Path, undetermined: Undetermined | None = None) -> Path:
    """Write the PDF of :func:`write_report` alone, to ``path``, and return it."""
    write_pdf(_values(result, None, undetermined), path)
    return path


def _values(result: Result, figures: dict[str, Path] | None, undetermined: Undetermined | None) -> dict[str, Any]:
    """What a report shows; pictures as ``data:`` URIs."""
    is_pose = result.ct_to_world is not None
    return {
        "method": result.method,
        "statement": POSE_STATEMENT if is_pose else STATEMENT,
        "subject": "CT" if is_pose else "volume",
        "pose": pose_values(result) if is_pose else None,
        "figures": [(title, _embedded(path)) for title, path in (figures or {}).items()],
        "views": [_view_values(view, with_contours=is_pose) for view in result.views],
        "slices": _slices(result),
        "unknown": _unknown(result, undetermined),
        "warnings": result.warnings,
        "quality": result.quality,
        "provenance": json.dumps(dict(result.provenance), indent=1, default=str, sort_keys=True),
    }


def _view_values(view: View, with_contours: bool) -> dict[str, Any]:
    film, mask = view.radiograph.line_integral, view.radiograph.mask
    gain, offset = view.fitted_gain_offset
    fitted = gain * view.reprojection + offset
    residual = film - fitted if mask is None else (film - fitted) * mask
    low, high = np.percentile(film if mask is None or not mask.any() else film[mask], [0.5, 99.8])
    geometry = view.radiograph.geometry
    return {
        "name": view.radiograph.view or "view",
        "film": grey_png(film, low, high),
        "contours": contour_png(film, low, high, fitted) if with_contours else "",
        "reprojection": grey_png(fitted, low, high),
        "residual_picture": signed_png(residual, 0.5 * (high - low)),
        "residual": view.residual,
        "angles": f"{geometry.primary_angle_deg:.1f} / {geometry.secondary_angle_deg:.1f}",
        "source_to_detector_mm": geometry.source_to_detector_mm,
        "assumed": [*geometry.assumed, *view.radiograph.assumptions],
    }


def _slices(result: Result) -> list[tuple[str, str]]:
    shown = []
    if result.volume is not None:
        shown += [(name, grey_png(image, *CT_RANGE_HU)) for name, image in orthogonal_slices(result.volume).items()]
    return shown


def _unknown(result: Result, undetermined: Undetermined | None) -> list[dict[str, Any]]:
    """What cannot be known: sentences with pictures of the middle slices."""
    shown = []
    if result.uncertainty is not None:
        pictures = {name: grey_png(p, 0, 400) for name, p in orthogonal_slices(result.uncertainty).items()}
        text = "How sure the method says it is: standard deviation from 0 (black) to 400 HU (white)."
        shown.append({"text": text, "pictures": pictures})
    if undetermined is not None:
        pictures = {name: grey_png(p, 0, 1) for name, p in orthogonal_slices(undetermined.volume).items()}
        text = f"{undetermined.statement} Black: the X-rays determine all, white: nothing of it."
        shown.append({"text": text, "pictures": pictures})
    return shown


def _save_images(view: View, folder: Path, index: int) -> None:
    from XRayLib.radiograph.save import save_radiograph

    gain, offset = view.fitted_gain_offset
    fitted = np.asarray(gain * view.reprojection + offset, np.float32)
    for name, image in (("reprojection", fitted), ("residual", view.radiograph.line_integral - fitted)):
        save_radiograph(
            replace(view.radiograph, line_integral=image.astype(np.float32)), folder / f"view{index}_{name}.nrrd"
        )


def _embedded(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")
