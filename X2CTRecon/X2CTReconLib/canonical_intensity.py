"""Film values of unknown gain, offset and contrast curve to the 0..1 that the X2CT networks were trained on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from XRayLib.radiograph import Radiograph

    from X2CTReconLib.canonical import CanonicalCube

LOW_PERCENTILE, HIGH_PERCENTILE = 1.0, 99.5
"""Air or the thinnest lung, and the densest overlap of bone, without burned-in markers."""

BODY_ABOVE = 0.1
"""Share of the range above which a pixel counts as behind the patient when the contrast curve is judged."""

BODY_MEDIAN = 0.5
GAMMA_RANGE = (0.45, 2.2)


def normalised(image: NDArray[np.float32], seen: NDArray[np.bool_]) -> NDArray[np.float32]:
    """0 at air, 1 at the densest part, median of the patient at 0.5 by a power law; 0 where nothing was seen.

    Linear rescaling removes gain and offset, the power law most of what a display curve did, so that a calibrated DRR
    and a film exported for viewing look alike. ``image`` (rows, columns), bone bright; ``seen`` its mask.
    """
    values = image[seen]
    if values.size == 0:
        return np.zeros(image.shape, np.float32)
    low, high = np.percentile(values, (LOW_PERCENTILE, HIGH_PERCENTILE))
    if high - low <= 1e-6 * max(abs(high), abs(low), 1e-6):
        return np.zeros(image.shape, np.float32)
    scaled = np.clip((image - low) / (high - low), 0, 1)
    body = scaled[seen & (scaled > BODY_ABOVE)]
    median = float(np.clip(np.median(body), 1e-3, 1 - 1e-3)) if body.size else BODY_MEDIAN
    gamma = float(np.clip(np.log(BODY_MEDIAN) / np.log(median), *GAMMA_RANGE))
    return np.where(seen, scaled**gamma, 0).astype(np.float32)


def canonical_films(
    cube: CanonicalCube, views: Mapping[str, Radiograph]
) -> tuple[dict[str, NDArray[np.float32]], dict[str, NDArray[np.bool_]]]:
    """The ``normalised`` film (n, n) of every role in the cube, and where it is seen."""
    shown = {role: cube.film(radiograph, role) for role, radiograph in views.items()}
    return {role: normalised(*film) for role, film in shown.items()}, {role: seen for role, (_, seen) in shown.items()}
