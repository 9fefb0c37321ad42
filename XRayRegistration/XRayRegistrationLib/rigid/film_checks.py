"""Films on which nothing can be registered are turned away before any work."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from XRayLib.errors import InputError, RefusedError
from XRayLib.radiograph import Radiograph

SMALLEST_OPEN_SHARE = 0.03
"""Share of the film that must be free of collimators and text."""


def check_films(radiographs: Sequence[Radiograph]) -> None:
    """Raise InputError without films, RefusedError (naming the film) when one is empty or almost wholly covered."""
    if not radiographs:
        raise InputError("Registration needs at least one X-ray: add one.")
    for number, radiograph in enumerate(radiographs, start=1):
        mask = radiograph.mask
        image = radiograph.line_integral if mask is None else radiograph.line_integral[mask]
        if image.size < SMALLEST_OPEN_SHARE * radiograph.line_integral.size:
            raise RefusedError(f"X-ray {number} is almost wholly covered by collimators or text: choose another.")
        low, high = np.percentile(image[:: max(1, image.size // 100_000)], (1, 99))
        if high - low < 1e-6 * max(1.0, abs(high)):
            raise RefusedError(f"X-ray {number} is empty: every pixel has the same value. Choose another.")
