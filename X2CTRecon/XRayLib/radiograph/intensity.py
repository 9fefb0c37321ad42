"""From pixel values of any kind to line integrals, with every assumption stated."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from XRayLib.errors import InputError
from XRayLib.geometry import INTENSITY_KINDS
from XRayLib.radiograph.burned_in_marks import find_burned_in_marks, without_marks
from XRayLib.radiograph.intensity_kind import (
    LARGEST_LINE_INTEGRAL,
    Exposure,
    exposure_of,
    judged_kind,
    logged_counts,
    sample,
)
from XRayLib.radiograph.open_beam import field_sides
from XRayLib.radiograph.pixel_checks import check_pixels
from XRayLib.radiograph.polarity import PRIOR

DENSEST = 5.5
"""Line integral given to the densest half percent of an uncalibrated image: the 99.5th percentile on PA DRRs of 16 CTs
(water 0.02/mm) is 5.6 +- 0.6, on laterals 8.0 +- 0.9."""
DARKEST_TRANSMISSION = 1e-6
"""Transmissions are raised to this before the logarithm: a line integral of 13.8."""


class LineIntegrals(NamedTuple):
    """What `to_line_integral` returns."""

    image: NDArray[np.float32]
    """(rows, columns), >= 0, bone bright; 0 outside ``mask``, except under burned-in marks, which are filled in."""
    mask: NDArray[np.bool_] | None
    """(rows, columns), True where the pixel shows the patient or open beam; None when everywhere."""
    assumptions: tuple[str, ...]
    """One sentence each."""
    calibrated: bool
    """Whether the values are real line integrals, not only monotone in them."""


def to_line_integral(
    pixels: NDArray[np.generic],
    intensity: str = "auto",
    *,
    field: NDArray[np.bool_] | None = None,
    likely: str = "display_bone_bright",
    certainty: float = PRIOR,
    name: str = "The image",
) -> LineIntegrals:
    """Line integrals -ln(I/I0) of a radiograph.

    Parameters
    ----------
    pixels : (rows, columns) of any real type
    intensity : str
        ``line_integral``: taken as they are. ``transmission``: I/I0, or detector counts proportional to I, whose I0 is
        then estimated from open beam. ``display_bone_bright``, ``display_bone_dark``: processed for reading, about
        linear in the line integral over the range of interest, so scaled and not logged. ``auto``: judged from the
        values.
    field : (rows, columns) bool or None
        Where the detector was exposed, when the file says so; collimator edges are looked for besides.
    likely : str
    certainty : float
        The kind that files of this sort usually have, and its weight against the image's evidence (see `polarity`).
    name : str
        What errors call the image.

    Raises
    ------
    InputError
        When the pixels are not a radiograph or contradict ``intensity``.
    """
    check_pixels(name, pixels)
    if field is not None and (field.all() or not field.any()):
        field = None
    calibrated = intensity in ("line_integral", "transmission")
    sentences: list[str] = []
    exposure = None
    if intensity == "auto":
        intensity, sentence, exposure = judged_kind(pixels, field, likely, certainty)
        sentences.append(sentence)
    if intensity not in INTENSITY_KINDS:
        raise InputError(f"The intensity kind '{intensity}' is not known: use auto, {', '.join(INTENSITY_KINDS)}.")
    if intensity == "line_integral":
        return _as_given(pixels, field, sentences, calibrated, name)
    if intensity == "transmission" and pixels.max() <= 1.05 and pixels.min() >= 0:
        integrals = -np.log(np.maximum(pixels, DARKEST_TRANSMISSION, dtype=np.float64))
        return _as_given(integrals, field, sentences, calibrated, name)
    if intensity == "transmission":
        if pixels.max() <= 0:
            raise InputError(f"{name} has no positive intensities: state another intensity kind.")
        values = logged_counts(pixels)
    else:
        values = pixels.astype(np.float32) if intensity == "display_bone_bright" else -pixels.astype(np.float32)
    exposure = exposure or exposure_of(values, field)
    integrals = _from_open_beam(values, exposure, intensity == "transmission", sentences, name)
    return _without_marks(integrals, exposure.field, pixels, sentences)


def _as_given(
    values: NDArray[np.generic],
    field: NDArray[np.bool_] | None,
    sentences: list[str],
    calibrated: bool,
    name: str,
) -> LineIntegrals:
    inside = values if field is None else values[field]
    if inside.max() > 4 * LARGEST_LINE_INTEGRAL:
        raise InputError(
            f"{name} has values up to {inside.max():g}, which cannot be line integrals: state another intensity kind "
            "or the scale."
        )
    if inside.min() < -0.05:
        sentences.append(f"Negative line integrals, down to {inside.min():.2f}, were set to zero.")
    image = np.maximum(values, 0).astype(np.float32)
    if field is not None:
        image[~field] = 0.0
    return LineIntegrals(image, field, tuple(sentences), calibrated)


def _from_open_beam(
    values: NDArray[np.float32], exposure: Exposure, logged: bool, sentences: list[str], name: str
) -> NDArray[np.float32]:
    """Bone-bright ``values`` with open beam set to zero and, unless ``logged``, a usual gain."""
    least_dense, densest = (float(v) for v in np.percentile(sample(values, exposure.field), [0.5, 99.5]))
    air = field_sides(values, exposure.field).dark.level
    if not np.isfinite(air):
        air = least_dense
        sentences.append("No open beam is visible: the least dense half percent of the image was taken as air.")
    if densest <= air:
        raise InputError(f"{name} shows nothing denser than its background: choose another image.")
    gain = 1.0
    if not logged:
        gain = DENSEST / (densest - air)
        sentences.append(
            "The values are not calibrated: brightness was taken as linear in the line integral, with a usual gain."
        )
    if exposure.sentence:
        sentences.append(exposure.sentence)
    return np.maximum((values - np.float32(air)) * np.float32(gain), 0.0)


def _without_marks(
    integrals: NDArray[np.float32],
    field: NDArray[np.bool_] | None,
    pixels: NDArray[np.generic],
    sentences: list[str],
) -> LineIntegrals:
    """Burned-in marks filled and masked, nothing outside the field."""
    marks = find_burned_in_marks(pixels, field)
    mask = field
    if marks is not None:
        integrals = without_marks(integrals, marks)
        mask = ~marks if field is None else field & ~marks
        sentences.append("Small sharp marks (text, side markers, metal) were masked and filled in.")
    if field is not None:
        integrals = np.where(field, integrals, np.float32(0.0))
    return LineIntegrals(integrals, mask, tuple(sentences), calibrated=False)
