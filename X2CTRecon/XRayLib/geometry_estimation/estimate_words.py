"""What was estimated of the films' geometry, in sentences for the user."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from XRayLib.geometry_estimation.film_parameters import changed
from XRayLib.radiograph import Radiograph

if TYPE_CHECKING:
    from XRayLib.geometry_estimation.film_problem import FilmProblem

Array = NDArray[np.float64]

ESTIMATED = "geometry estimated from what the films show"
"""Phrase of ``XRayGeometry.assumed``."""

TELLING = 0.7
"""Share of its prior deviation below which a parameter counts as determined by the films."""

UNTOLD = {
    0: "the beam's angle about the body's axis",
    1: "the beam's tilt along the body",
    2: "its turn about the beam",
    3: "how far the patient stands to the side",
    4: "how far the patient is shifted along the body",
    5: "the source's distance",
    6: "the patient's distance from the detector",
    7: "the size of its pixels",
}


def sentences_about(
    radiographs: Sequence[Radiograph], values: Array, deviations: Array, problem: FilmProblem, middle: Array
) -> tuple[str, ...]:
    """One sentence about what the films told of every view, one about what they did not.

    ``values``, ``deviations`` (views, 8): differences from the assumed geometry and how sure they are.
    """
    priors = problem.film_deviations
    sentences = []
    for n, (radiograph, value, deviation, prior) in enumerate(
        zip(radiographs, values, deviations, priors, strict=True), 1
    ):
        told = [d < TELLING * p for d, p in zip(deviation, prior, strict=True)]
        changes = [t and abs(v) > d / 2 for t, v, d in zip(told, value, deviation, strict=True)]
        parts = _told(radiograph, value, deviation, changes, middle)
        if parts:
            sentences.append(f"View {n}, estimated from the films: {'; '.join(parts)}.")
        untold = [words for k, words in UNTOLD.items() if prior[k] > 0 and not told[k]]
        if untold:
            size = ", and the size of the volume with it" if prior[5:].any() else ""
            sentences.append(
                f"View {n}: the films do not tell {_joined(untold)}; this stays near what was assumed{size}."
            )
    return tuple(sentences)


def _told(radiograph: Radiograph, value: Array, deviation: Array, told: list[bool], middle: Array) -> list[str]:
    before, after = radiograph.geometry, changed(radiograph.geometry, value, middle)
    parts = []
    if told[0]:
        parts.append(
            f"taken as {after.primary_angle_deg:.0f} degrees, not {before.primary_angle_deg:.0f} "
            f"(+- {deviation[0]:.0f})"
        )
    if told[1]:
        parts.append(
            f"tilted to {after.secondary_angle_deg:.0f} degrees along the body, not {before.secondary_angle_deg:.0f} "
            f"(+- {deviation[1]:.0f})"
        )
    if told[2]:
        parts.append(f"turned by {value[2]:.1f} degrees about the beam (+- {deviation[2]:.1f})")
    for k, name in ((3, "columns"), (4, "rows")):
        if told[k]:
            parts.append(f"patient shifted by {value[k]:.0f} mm along the {name} (+- {deviation[k]:.0f})")
    if told[5]:
        parts.append(
            f"source {after.source_to_detector_mm:.0f} mm from the detector, not {before.source_to_detector_mm:.0f} "
            f"(+- {deviation[5] * after.source_to_detector_mm:.0f})"
        )
    if told[6]:
        parts.append(f"patient {value[6]:+.0f} mm farther from the detector (+- {deviation[6]:.0f})")
    if told[7]:
        parts.append(f"pixels {np.exp(value[7]):.2f} times as large (+- {deviation[7]:.2f})")
    return parts


def _joined(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
