"""Which geometry a radiograph gets: given, from a file beside it, from its DICOM tags, or assumed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from XRayLib.errors import InputError
from XRayLib.geometry import (
    STANDARD_VIEWS,
    GeometryFile,
    XRayGeometry,
    assumed_film_geometry,
    geometry_from_dicom,
    read_geometry_and_intensity,
)
from XRayLib.geometry.dicom_frame_tags import FrameTags
from XRayLib.radiograph.chest_view import FALLBACK_VIEW, recognise_view
from XRayLib.radiograph.save import geometry_file_beside
from XRayLib.radiograph.view_argument import VIEW_WORDS

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from XRayLib.radiograph.intensity import LineIntegrals

SAME_VIEW_DEG = 20.0
"""A C-arm this close to a standard view is named after it."""
CHEST_WORDS = ("", "CHEST", "THORAX", "LUNG", "HEART", "RIB", "TSPINE")
"""Body Part Examined for which the view is recognised; the heuristic knows no other part."""


class StatedGeometry(NamedTuple):
    """What the caller or a file beside the image states. ``view``: one of STANDARD_VIEWS or empty. ``over_tags``: the
    view was given in place of a geometry, so DICOM tags are not asked for another."""

    file: GeometryFile | None
    view: str
    over_tags: bool = False


class ChosenGeometry(NamedTuple):
    geometry: XRayGeometry
    view: str
    sentences: tuple[str, ...]


def stated_geometry(
    geometry: XRayGeometry | str | Path | None, view: str, image_path: Path | None = None
) -> StatedGeometry:
    """Read what is stated: an object, a geometry file, a word (pa, ap, ll, rl), or ``*.geometry.json`` beside the
    image."""
    view = view.strip().upper()
    if view and view not in STANDARD_VIEWS:
        raise InputError(f"The view '{view}' is not known: use one of {', '.join(STANDARD_VIEWS)}.")
    if isinstance(geometry, XRayGeometry):
        return StatedGeometry(GeometryFile(geometry), view)
    if isinstance(geometry, str) and geometry.strip().lower() in VIEW_WORDS:
        return StatedGeometry(None, geometry.strip().upper(), over_tags=True)
    if geometry:
        return StatedGeometry(read_geometry_and_intensity(geometry), view)
    beside = None if image_path is None else geometry_file_beside(image_path)
    if beside is not None and beside.is_file():
        return StatedGeometry(read_geometry_and_intensity(beside), view)
    return StatedGeometry(None, view)


def choose_geometry(
    stated: StatedGeometry,
    integrals: LineIntegrals,
    *,
    dataset: Dataset | None = None,
    frame_index: int = 0,
    pixel_spacing_mm: tuple[float, float] | None = None,
) -> ChosenGeometry:
    """The geometry, the standard view it is or "", and one sentence for each assumption."""
    if stated.file is not None:
        geometry = stated.file.geometry
        return ChosenGeometry(geometry, stated.view or nearest_view(geometry), _sentences(geometry))
    has_tags = dataset is not None and not stated.over_tags
    if has_tags:
        try:
            geometry = geometry_from_dicom(dataset, frame_index, stated.view)
            return ChosenGeometry(geometry, stated.view or nearest_view(geometry), _sentences(geometry))
        except InputError:
            if stated.view:
                raise
    view, sentences = stated.view, ()
    if not view:
        view, sentence = _recognised(integrals, dataset)
        sentences = (sentence,)
    if has_tags:
        geometry = geometry_from_dicom(dataset, frame_index, view)
    else:
        rows, columns = integrals.image.shape
        if pixel_spacing_mm is None and dataset is not None:
            pixel_spacing_mm = _dicom_spacing_mm(dataset, frame_index)
        geometry = assumed_film_geometry(view, (columns, rows), pixel_spacing_mm)
    return ChosenGeometry(geometry, view, (*sentences, *_sentences(geometry)))


def nearest_view(geometry: XRayGeometry) -> str:
    """The standard view that a geometry is about, empty when oblique."""
    if abs(geometry.secondary_angle_deg) > SAME_VIEW_DEG:
        return ""
    for view, primary in STANDARD_VIEWS.items():
        if abs((geometry.primary_angle_deg - primary + 180.0) % 360.0 - 180.0) <= SAME_VIEW_DEG:
            return view
    return ""


def _recognised(integrals: LineIntegrals, dataset: Dataset | None) -> tuple[str, str]:
    if dataset is not None:
        tags = FrameTags(dataset)
        body_part = tags.text("BodyPartExamined")
        if body_part not in CHEST_WORDS or tags.text("Modality") in ("XA", "RF", "XRF"):
            return FALLBACK_VIEW, f"The file does not state its view: {FALLBACK_VIEW} was assumed."
    guess = recognise_view(integrals.image, integrals.mask)
    return guess.view or FALLBACK_VIEW, guess.sentence


def _dicom_spacing_mm(dataset: Dataset, frame_index: int) -> tuple[float, float] | None:
    tags = FrameTags(dataset, frame_index)
    for keyword in ("ImagerPixelSpacing", "PixelSpacing"):
        spacing = tags.numbers(keyword)
        if spacing is not None and len(spacing) == 2 and min(spacing) > 0:
            return spacing[0], spacing[1]
    return None


def _sentences(geometry: XRayGeometry) -> tuple[str, ...]:
    return (f"Geometry assumed: {'; '.join(geometry.assumed)}.",) if geometry.assumed else ()
