"""From pixel values of any kind to line integrals, with every assumption stated."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from XRayLib.errors import InputError
from XRayLib.geometry import INTENSITY_KINDS
from XRayLib.radiograph.burned_in_marks import find_burned_in_marks, without_marks
from XRayLib.radiograph.collimation import find_exposed_field
from XRayLib.radiograph.open_beam import field_sides
from XRayLib.radiograph.pixel_checks import check_pixels
from XRayLib.radiograph.polarity import PRIOR, UNSURE, bone_brightness

DENSEST = 5.5
"""Line integral given to the densest half percent of an uncalibrated image: the 99.5th percentile on PA DRRs of 16 CTs
(water 0.02/mm) is 5.6 +- 0.6, on laterals 8.0 +- 0.9."""
LARGEST_LINE_INTEGRAL = 25.0
"""Values above cannot be line integrals of a patient: exp(-25) of the beam is below any detector's noise."""
DARKEST_TRANSMISSION = 1e-6
"""Transmissions are raised to this before the logarithm: a line integral of 13.8."""
DARKEST_COUNT = 1e-4
"""The same for detector counts, of the open beam's: below is noise, -ln gives 9.2."""
TRANSMISSION_CONTRAST = 0.06
"""The darkest tenth of a trunk lets through less than this part of the beam; images for reading are not so dark."""


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
    exposed, collimated = _exposed(pixels, field) if intensity != "line_integral" else (field, [])
    if intensity == "auto":
        intensity, sentence = _judged_kind(pixels, exposed, likely, certainty)
        sentences.append(sentence)
    if intensity not in INTENSITY_KINDS:
        raise InputError(f"The intensity kind '{intensity}' is not known: use auto, {', '.join(INTENSITY_KINDS)}.")
    if intensity == "line_integral":
        return _as_given(pixels, field, sentences, calibrated, name)
    if intensity == "transmission":
        if pixels.max() <= 1.05 and pixels.min() >= 0:
            integrals = -np.log(np.maximum(pixels, DARKEST_TRANSMISSION, dtype=np.float64))
            return _as_given(integrals, field, sentences, calibrated, name)
        integrals = _from_counts(pixels, exposed, sentences)
    else:
        integrals = _from_display(pixels, intensity == "display_bone_bright", exposed, sentences)
    return _without_marks(integrals, exposed, pixels, [*sentences, *collimated])


def _judged_kind(
    pixels: NDArray[np.generic], field: NDArray[np.bool_] | None, likely: str, certainty: float
) -> tuple[str, str]:
    """The kind of an image that does not say, and the sentence that tells the user."""
    usual = -certainty if likely in ("display_bone_dark", "transmission") else certainty
    evidence = bone_brightness(pixels, field) + usual
    doubt = "" if abs(evidence) >= UNSURE else " (uncertain: state the intensity kind if it is wrong)"
    inside = _sample(pixels, field)
    lowest, dark, open_beam, highest = (float(v) for v in np.percentile(inside, [0, 10, 99.5, 100]))
    fractional = inside.dtype.kind == "f" and bool((np.mod(inside, 1) != 0).any())
    if evidence > 0:
        if fractional and lowest >= -0.05 and 1.05 < highest <= LARGEST_LINE_INTEGRAL:
            return "line_integral", f"Its values, up to {highest:.1f}, were taken as line integrals{doubt}."
        return "display_bone_bright", f"Bone was judged to be bright{doubt}."
    fine = fractional or highest > 255
    if likely == "transmission" or (fine and lowest >= 0 and dark < TRANSMISSION_CONTRAST * open_beam):
        return "transmission", f"Its values were judged to be proportional to the X-ray intensity{doubt}."
    return "display_bone_dark", f"Bone was judged to be dark{doubt}."


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


def _from_counts(
    counts: NDArray[np.generic], field: NDArray[np.bool_] | None, sentences: list[str]
) -> NDArray[np.float32]:
    """-ln(I/I0) with I0 from flat open beam at the field's sides, else from the brightest pixels."""
    open_beam = field_sides(counts, field).bright.level
    if np.isfinite(open_beam):
        sentences.append("The unattenuated intensity was measured on open beam beside the patient.")
    else:
        open_beam = float(np.percentile(_sample(counts, field), 99.9))
        sentences.append("No open beam is visible: the brightest pixels were taken as unattenuated.")
    if open_beam <= 0:
        raise InputError("The image has no positive intensities: state another intensity kind.")
    relative = np.maximum(counts.astype(np.float32) / np.float32(open_beam), np.float32(DARKEST_COUNT))
    return np.maximum(-np.log(relative), 0.0)


def _from_display(
    pixels: NDArray[np.generic], bone_bright: bool, field: NDArray[np.bool_] | None, sentences: list[str]
) -> NDArray[np.float32]:
    """Linear between open beam (0) and the densest half percent (DENSEST)."""
    values = pixels.astype(np.float32) if bone_bright else -pixels.astype(np.float32)
    least_dense, densest = (float(v) for v in np.percentile(_sample(values, field), [0.5, 99.5]))
    air = field_sides(values, field).dark.level
    if not np.isfinite(air):
        air = least_dense
        sentences.append("No open beam is visible: the least dense half percent of the image was taken as air.")
    if densest <= air:
        raise InputError("The image shows nothing denser than its background: choose another image.")
    sentences.append(
        "The values are not calibrated: brightness was taken as linear in the line integral, with a usual gain."
    )
    return np.maximum((values - np.float32(air)) * np.float32(DENSEST / (densest - air)), 0.0)


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


def _exposed(
    pixels: NDArray[np.generic], stated: NDArray[np.bool_] | None
) -> tuple[NDArray[np.bool_] | None, list[str]]:
    """The exposed field, stated and found together, and the sentence about it."""
    found, sentence = find_exposed_field(pixels)
    if found is None:
        return stated, []
    both = found if stated is None else found & stated
    return (both, [sentence]) if both.any() else (stated, [])


def _sample(values: NDArray[np.generic], field: NDArray[np.bool_] | None) -> NDArray[np.generic]:
    """At most a million values from inside the field: enough for percentiles."""
    inside = values.ravel() if field is None else values[field]
    return inside[:: max(1, inside.size // 1_000_000)]
