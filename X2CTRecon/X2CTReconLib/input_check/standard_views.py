"""The check of chest films for methods that take any view: it knows frontal and lateral ones only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from XRayLib.radiograph import Radiograph

from X2CTReconLib.canonical import CanonicalCube, role_of
from X2CTReconLib.canonical_intensity import canonical_films
from X2CTReconLib.input_check.film_check import film_warnings

LARGEST_ANGLE_DEG = 10.0
"""Of a view off the standard one up to which it must look like that."""

FIELD_MM, FIELD_PX = 416.0, 128


def standard_view_warnings(radiographs: Sequence[Radiograph], center_ras_mm: np.ndarray) -> tuple[str, ...]:
    """Warnings about the first frontal and the first lateral film, as of ``film_warnings``; none about oblique ones.

    Raises RefusedError for films that are certainly turned, in the other view's place, or twice the same.
    """
    cube = CanonicalCube(np.asarray(center_ras_mm, float), FIELD_MM, FIELD_PX)
    views: dict[str, Radiograph] = {}
    for radiograph in radiographs:
        role, angle = role_of(radiograph.geometry)
        if angle <= LARGEST_ANGLE_DEG:
            views.setdefault(role, radiograph)
    return film_warnings(*canonical_films(cube, views))
