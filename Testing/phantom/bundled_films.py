"""A bundled film beside the same one made anew on this computer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from XRayLib.radiograph import load_radiograph

BLOCK_PX = 16


def largest_difference(made: Path, bundled: Path) -> float:
    """Between the line integrals' means over blocks, relative to their range.

    The last digits of a projection differ between processors, and with them the draws of noise, of which the largest
    also scales a file's pixel values: line integrals are compared, and means over enough of them.
    """
    films = [load_radiograph(path).line_integral for path in (made, bundled)]
    means = [film.reshape(len(film) // BLOCK_PX, BLOCK_PX, -1, BLOCK_PX).mean(axis=(1, 3)) for film in films]
    return float(np.abs(means[0] - means[1]).max() / np.ptp(films[1]))
