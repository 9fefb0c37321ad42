"""One radiograph: line integrals with the geometry they were taken in."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry


@dataclass(frozen=True, eq=False)
class Radiograph:
    """An X-ray image as every method consumes it.

    Parameters
    ----------
    line_integral : (rows, columns) float32
        Dimensionless, >= 0, bone bright. Quantitative only when ``calibrated``; else monotone in attenuation with
        unknown gain and offset.
    geometry : XRayGeometry
        ``size_px`` equals (columns, rows) of the image.
    mask : (rows, columns) bool or None
        True where the pixel shows the patient or open beam; False under collimators, borders and burned-in text.
    calibrated : bool
        True when the values are real line integrals (DRR, or log of a flat-fielded exposure).
    view : str
        "PA", "AP", "LL", "RL" or "" when unknown.
    source : str
        Where it came from in words; never a patient's name.
    assumptions : tuple of str
        What was assumed about intensity and geometry, one sentence each, to be shown to the user.
    """

    line_integral: NDArray[np.float32]
    geometry: XRayGeometry
    mask: NDArray[np.bool_] | None = None
    calibrated: bool = False
    view: str = ""
    source: str = ""
    assumptions: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        image = np.ascontiguousarray(self.line_integral, dtype=np.float32)
        if image.ndim != 2 or image.size == 0:
            raise InputError("A radiograph must be one two-dimensional image.")
        if (image.shape[1], image.shape[0]) != self.geometry.size_px:
            raise InputError(
                f"The image has {image.shape[1]} x {image.shape[0]} pixels, its geometry "
                f"{self.geometry.size_px[0]} x {self.geometry.size_px[1]}."
            )
        if not np.isfinite(image).all():
            raise InputError("The radiograph contains values that are not numbers (NaN or infinity).")
        object.__setattr__(self, "line_integral", image)
        if self.mask is not None and self.mask.shape != image.shape:
            raise InputError("The radiograph's mask has another size than its image.")
