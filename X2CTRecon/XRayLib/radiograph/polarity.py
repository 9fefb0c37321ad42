"""Whether bone is bright or dark in an image that does not say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from XRayLib.radiograph.frontal_symmetry import frontal_symmetry
from XRayLib.radiograph.open_beam import field_sides

PRIOR = 0.25
"""Weight of what is usual for the kind of file, against evidence of 0 to 2 from the image."""
UNSURE = 0.4


def bone_brightness(image: NDArray[np.generic], field: NDArray[np.bool_] | None = None) -> float:
    """Evidence that bone is bright (> 0) or dark (< 0): above 1 is clear, below 0.4 says little. Exactly opposite for
    the negative image.

    Three cues, each about -1 to 1: open beam is flat, reaches the field's sides and takes the end of the range
    opposite to bone; the sides of the field are less dense than its middle; and on a frontal chest, where open beam
    is often not in the picture, spine and mediastinum form a ridge between the lungs.
    """
    sides = field_sides(image, field)
    open_beam = (sides.dark.part - sides.bright.part) / (sides.dark.part + sides.bright.part + 0.04)
    ridge = float(np.clip(frontal_symmetry(image, field).ridge, -0.5, 0.5))
    return open_beam - 2.0 * sides.rank + 2.0 * ridge
