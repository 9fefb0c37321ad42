"""What every file reader returns: one frame's pixel values and what the file says about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from XRayLib.radiograph.polarity import PRIOR

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


@dataclass(frozen=True)
class DecodedImage:
    """One frame, not yet line integrals.

    ``pixels``: (rows, columns) of any real type, modality rescale applied. ``intensity``: stated kind or "auto".
    ``likely``: the kind that files of this sort usually have, ``certainty`` its weight against the image's own evidence
    (see `polarity`). ``field``: (rows, columns) bool, True where the file says the detector was exposed, None when it
    does not say. ``pixel_spacing_mm``: (row, column) on the detector, None when unknown. ``dataset``: a DICOM file's.
    ``notes``: sentences.
    """

    pixels: NDArray[np.generic]
    intensity: str = "auto"
    likely: str = "display_bone_bright"
    certainty: float = PRIOR
    field: NDArray[np.bool_] | None = None
    pixel_spacing_mm: tuple[float, float] | None = None
    dataset: Dataset | None = None
    notes: tuple[str, ...] = ()
