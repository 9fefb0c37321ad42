"""Filtered back-projection of a few cone-beam films, after Feldkamp, Davis and Kress."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from XRayLib.registry import Progress

from X2CTReconLib.classical.method import ClassicalMethod
from X2CTReconLib.classical.settings import Settings

if TYPE_CHECKING:
    from X2CTReconLib.classical.problem import Problem


class FilteredBackprojection(ClassicalMethod):
    """One pass: no iteration, no regularisation; the quickest and roughest of the classical methods."""

    id = "filtered-backprojection"
    title = "Filtered back-projection (no network)"
    summary = (
        "Adds to a homogeneous body, or a prior CT, the weighted and ramp-filtered back-projection of what it leaves "
        "of 1 to 10 films: the formula of Feldkamp, Davis and Kress, made for hundreds of views, on a few. Quick, full "
        "of streaks, and its projections agree with the films only roughly; use CGLS or SART for anything but "
        "comparison."
    )
    citation = "Feldkamp L.A., Davis L.C., Kress J.W., Practical cone-beam algorithm, J. Opt. Soc. Am. A 1, 1984"

    def solve(self, problem: Problem, _settings: Settings, progress: Progress) -> NDArray[np.float32]:
        """The start plus the filtered back-projection of the films less the start's projection."""
        from X2CTReconLib.classical.feldkamp import feldkamp

        progress(0.0, "Back-projecting")
        system = problem.system
        missing = problem.films.weights * (problem.films.images - system.forward(problem.start))
        correction = problem.inside * feldkamp(missing, problem.films.geometries, system.grid, progress)
        return np.maximum(problem.start + best_share(problem, missing, correction) * correction, 0)


def best_share(problem: Problem, missing: NDArray[np.float32], correction: NDArray[np.float32]) -> np.float32:
    """How much of the correction (0 to 1) explains the films best: a few views do not sum to the whole formula."""
    image = problem.films.weights * problem.system.forward(correction)
    power = float((image * image).sum())
    return np.float32(np.clip(float((image * missing).sum()) / power, 0.0, 1.0)) if power > 0 else np.float32(0)
