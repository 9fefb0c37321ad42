"""The mean of the chests that the shipped networks were trained on."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from XRayLib.ct import Volume, attenuation_from_hu

BUNDLE = "lifting-chest"
"""Its file of the role "template" is the mean in the values of its input "start"."""


def mean_chest(center_ras_mm: NDArray[np.float64]) -> Volume:
    """Linear attenuation along R, A, S around a point. InputError when the model that brings it is not installed."""
    from XRayLib.bundle import installed_bundle

    bundle = installed_bundle(BUNDLE)
    start = bundle.manifest["inputs"]["start"]
    hu = np.load(io.BytesIO(bundle.read("template")), allow_pickle=False).astype(np.float32)
    hu = hu * np.float32(start["scale"]) + np.float32(start["offset"])
    return Volume.axis_aligned(attenuation_from_hu(hu), tuple(start["spacing_mm"]), center_ras_mm, "mu_per_mm")
