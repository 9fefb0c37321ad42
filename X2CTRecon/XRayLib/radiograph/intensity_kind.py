"""What the values of an image that does not say are: line integrals, detector counts, or brightness for reading."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from XRayLib.radiograph.collimation import find_exposed_field
from XRayLib.radiograph.polarity import UNSURE, bone_brightness

LARGEST_LINE_INTEGRAL = 25.0
"""Values above cannot be line integrals of a patient: exp(-25) of the beam is below any detector's noise."""
DARKEST_COUNT = 1e-4
"""Counts are raised to this part of the open beam's before the logarithm, which gives 9.2: below is noise."""
TRANSMISSION_CONTRAST = 0.06
"""The darkest tenth of a trunk lets through less than this part of the beam; images for reading are not so dark unless
they show much air."""


class Exposure(NamedTuple):
    """``field``: (rows, columns) bool, True where the detector was exposed, None when everywhere. ``sentence``: about
    what was found, or empty."""

    field: NDArray[np.bool_] | None
    sentence: str


class JudgedKind(NamedTuple):
    """``kind``: one of INTENSITY_KINDS. ``sentence``: for the user. ``exposure``: the field that was judged."""

    kind: str
    sentence: str
    exposure: Exposure


def exposure_of(image: NDArray[np.generic], stated: NDArray[np.bool_] | None) -> Exposure:
    """The exposed field of an image of either polarity, as stated and as found together."""
    found, sentence = find_exposed_field(image)
    if found is None:
        return Exposure(stated, "")
    return Exposure(_both(stated, found), sentence)


def logged_counts(counts: NDArray[np.generic]) -> NDArray[np.float32]:
    """-ln(I/I0) with the 99.5th percentile as I0; open beam is near, not at, zero."""
    brightest = float(np.percentile(counts.ravel()[:: max(1, counts.size // 1_000_000)], 99.5))
    relative = counts.astype(np.float32) / np.float32(max(brightest, 1e-30))
    return -np.log(np.maximum(relative, np.float32(DARKEST_COUNT)))


def judged_kind(
    pixels: NDArray[np.generic], field: NDArray[np.bool_] | None, likely: str, certainty: float
) -> JudgedKind:
    """Judge (rows, columns) ``pixels`` whose exposed ``field`` may be stated; ``likely`` and ``certainty`` as in
    `to_line_integral`."""
    exposure = exposure_of(pixels, field)
    usual = -certainty if likely in ("display_bone_dark", "transmission") else certainty
    evidence = bone_brightness(pixels, exposure.field) + usual
    inside = sample(pixels, exposure.field)
    lowest, dark, bright, highest = (float(v) for v in np.percentile(inside, [0, 10, 99.5, 100]))
    fractional = inside.dtype.kind == "f" and bool((np.mod(inside, 1) != 0).any())
    if (fractional or highest > 255) and lowest >= 0 and dark < TRANSMISSION_CONTRAST * bright:
        # Counts and brightness with much air are skewed alike; only counts look like a radiograph once logged.
        logged = logged_counts(pixels)
        logged_exposure = exposure_of(logged, field)
        logged_evidence = bone_brightness(logged, _both(logged_exposure.field, exposure.field))
        if logged_evidence > evidence:
            sentence = f"Its values were judged to be proportional to the X-ray intensity{_doubt(logged_evidence)}."
            return JudgedKind("transmission", sentence, logged_exposure)
    if evidence > 0:
        if fractional and lowest >= -0.05 and 1.05 < highest <= LARGEST_LINE_INTEGRAL:
            sentence = f"Its values, up to {highest:.1f}, were taken as line integrals{_doubt(evidence)}."
            return JudgedKind("line_integral", sentence, exposure)
        return JudgedKind("display_bone_bright", f"Bone was judged to be bright{_doubt(evidence)}.", exposure)
    if likely == "transmission":
        sentence = f"Its values were taken as proportional to the X-ray intensity{_doubt(evidence)}."
        return JudgedKind(likely, sentence, exposure)
    return JudgedKind("display_bone_dark", f"Bone was judged to be dark{_doubt(evidence)}.", exposure)


def sample(values: NDArray[np.generic], field: NDArray[np.bool_] | None) -> NDArray[np.generic]:
    """At most a million values from inside the field: enough for percentiles."""
    inside = values.ravel() if field is None else values[field]
    return inside[:: max(1, inside.size // 1_000_000)]


def _both(first: NDArray[np.bool_] | None, second: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    if first is None or second is None:
        return second if first is None else first
    return first & second if (first & second).any() else first


def _doubt(evidence: float) -> str:
    return "" if abs(evidence) >= UNSURE else " (uncertain: state the intensity kind if it is wrong)"
