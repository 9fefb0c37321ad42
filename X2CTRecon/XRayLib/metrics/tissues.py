"""Body, lungs and bone of a CT by thresholds: rough, but the same for reference and result."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BODY_ABOVE_HU = -300.0
LUNG_BELOW_HU = -400.0
BONE_ABOVE_HU = 200.0

ORGAN_LABELS = {"liver": (5,), "lung": (10, 11, 12, 13, 14), "bone": (*range(25, 51), *range(69, 79), *range(91, 117))}
"""Label numbers of TotalSegmentator 'total' v2: bone is vertebrae, sacrum, limbs, shoulder and pelvic girdles, skull,
ribs and sternum."""

Mask = NDArray[np.bool_]


def body_mask(hu: NDArray[np.floating]) -> Mask:
    """The largest connected region above -300 HU with its holes filled slice by slice, axial (k)."""
    from scipy.ndimage import binary_fill_holes

    body = _largest(np.asarray(hu) > BODY_ABOVE_HU)
    return np.stack([binary_fill_holes(section) for section in body])


def lung_mask(hu: NDArray[np.floating], body: Mask) -> Mask:
    """Air inside the body: below -400 HU."""
    return (np.asarray(hu) < LUNG_BELOW_HU) & body


def bone_mask(hu: NDArray[np.floating], body: Mask) -> Mask:
    """Above 200 HU inside the body; contrast medium counts as well."""
    return (np.asarray(hu) > BONE_ABOVE_HU) & body


def _largest(mask: Mask) -> Mask:
    from scipy.ndimage import label

    regions, count = label(mask)
    if count == 0:
        return mask
    sizes = np.bincount(regions.ravel())
    sizes[0] = 0
    return regions == sizes.argmax()
