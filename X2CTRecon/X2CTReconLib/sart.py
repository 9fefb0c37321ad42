"""SART: the simultaneous algebraic reconstruction technique with non-negativity and total variation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from XRayLib.registry import Progress

from X2CTReconLib.classical.method import ClassicalMethod
from X2CTReconLib.classical.settings import TOTAL_VARIATION, Settings

if TYPE_CHECKING:
    from X2CTReconLib.classical.problem import Problem

Array = NDArray[np.float32]

SWEEPS = 20
RELAXATION = 0.6
DENOISING_PER_MM = 2e-4
"""Total-variation strength after every sweep, 1/mm: 10 HU."""


class SART(ClassicalMethod):
    """One film after the other spreads its normalised misfit back; negative attenuation and roughness are removed."""

    id = "sart"
    title = "SART with total variation (no network)"
    summary = (
        "Corrects a homogeneous body, or a prior CT, film by film until its projections agree with 1 to 10 films from "
        "any direction, never below the attenuation of air, smoothed by total variation. It invents nothing. From one "
        "or two films it shows the outline and smeared shadows, no organs in depth and no pathology."
    )
    citation = "Andersen A.H., Kak A.C., Ultrason. Imaging 6, 1984; Sidky E.Y., Pan X., Phys. Med. Biol. 53, 2008"

    def solve(self, problem: Problem, settings: Settings, progress: Progress) -> Array:
        """Sweeps over the films in an order that turns far from one to the next."""
        from XRayLib.tomography import total_variation_denoised

        sweeps = settings.iterations or SWEEPS
        strength = DENOISING_PER_MM * settings.strength if settings.regularisation == TOTAL_VARIATION else 0.0
        system, films = problem.system, problem.films
        lengths = system.forward(problem.inside)
        gathered = [problem.inside * system.adjoint(films.weights[n][None], n) for n in range(system.views)]
        voxels = problem.start.copy()
        for sweep in range(sweeps):
            for n in far_apart(system.views):
                progress((sweep + n / system.views) / sweeps, "Fitting the films")
                misfit = films.weights[n] * (films.images[n] - system.forward(voxels, n)[0])
                spread = system.adjoint(_over(misfit, lengths[n])[None], n)
                voxels += np.float32(RELAXATION) * problem.inside * _over(spread, gathered[n])
                np.maximum(voxels, 0, out=voxels)
            smooth = total_variation_denoised(voxels - problem.reference, strength)
            voxels = problem.inside * np.maximum(problem.reference + smooth, 0)
        return voxels


def far_apart(views: int) -> list[int]:
    """0..views-1 so that consecutive ones differ by about the golden ratio of the whole."""
    return sorted(range(views), key=lambda n: (n * 0.6180339887) % 1.0)


def _over(numerator: Array, denominator: Array) -> Array:
    """The ratio, 0 where the denominator is a small fraction of its largest value."""
    floor = np.float32(0.01 * max(float(denominator.max()), 1e-6))
    return np.where(denominator > floor, numerator / np.maximum(denominator, floor), 0).astype(np.float32)
