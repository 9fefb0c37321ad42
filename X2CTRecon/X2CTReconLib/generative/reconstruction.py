"""From films and a generative prior to a volume."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from XRayLib.case import Case
from XRayLib.ct import Volume
from XRayLib.errors import XRay3DError
from XRayLib.registry import Progress

from X2CTReconLib.generative.film_misfit import FilmMisfit
from X2CTReconLib.generative.optimisation import Fitted, fitted
from X2CTReconLib.generative.prior import GenerativePrior
from X2CTReconLib.generative.settings import PriorSettings


class Reconstruction(NamedTuple):
    """Volumes in HU in the cube around the views' isocentre: the result, and the generator's mean it started from."""

    volume: Volume
    mean: Volume
    fitted: Fitted
    center_ras_mm: NDArray[np.float64]


def reconstructed(prior: GenerativePrior, case: Case, settings: PriorSettings, progress: Progress) -> Reconstruction:
    """Raises InputError for films that do not show what the generator knows, XRay3DError when it diverges."""
    center = case.isocenter_ras_mm
    matrix, mean = prior.ijk_to_ras(center), prior.mean_water()
    found = fitted(prior, FilmMisfit(case.radiographs, mean, matrix), settings, progress)
    if not np.isfinite(found.water).all():
        raise XRay3DError("The optimisation diverged: choose a smaller 'style_rate'.")
    return Reconstruction(_hounsfield(found.water, matrix), _hounsfield(mean.cpu().numpy(), matrix), found, center)


def _hounsfield(water: NDArray[np.float32], ijk_to_ras: NDArray[np.float64]) -> Volume:
    return Volume((1000 * (water - 1)).astype(np.float32), ijk_to_ras)
