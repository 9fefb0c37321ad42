"""The exposed field of a radiograph: what lies behind collimators, shutters and black borders is masked."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from XRayLib.radiograph.collimator_blades import find_blades
from XRayLib.radiograph.collimator_circle import find_round_field

SMALLEST_FIELD = 0.15
"""A field smaller than this part of the image is a misjudgement, not a collimated radiograph."""


def find_exposed_field(image: NDArray[np.generic]) -> tuple[NDArray[np.bool_] | None, str]:
    """Where the detector was exposed, judged from the image alone.

    Parameters
    ----------
    image : (rows, columns), either polarity

    Returns
    -------
    field : (rows, columns) bool or None
        True inside the field; None when no collimator was found.
    sentence : str
        What was found, for the user; empty when nothing was.
    """
    disc = find_round_field(image)
    if disc is not None:
        field = ~disc.outside(image.shape)
        sentence = "A round field was found: everything outside it is masked."
    else:
        field = np.ones(image.shape, dtype=bool)
        blades = find_blades(image)
        for blade in blades:
            field &= ~blade.shadow(image.shape)
        edges = "edge was" if len(blades) == 1 else "edges were"
        sentence = f"{len(blades)} straight collimator {edges} found: everything behind is masked." if blades else ""
    if not sentence or field.mean() < SMALLEST_FIELD:
        return None, ""
    return field, sentence
