"""CGLS: regularised least squares between the films and the volume's projections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from XRayLib.registry import Progress

from X2CTReconLib.classical.method import ClassicalMethod
from X2CTReconLib.classical.settings import TIKHONOV, Settings

if TYPE_CHECKING:
    from X2CTReconLib.classical.problem import Problem

Array = NDArray[np.float32]


class CGLS(ClassicalMethod):
    """Conjugate gradients with total-variation or Tikhonov regularisation."""

    id = "cgls"
    title = "CGLS with total variation (no network)"
    summary = (
        "Finds the volume with the least total variation whose projections agree with 1 to 10 films from any "
        "direction, starting from a homogeneous body or a prior CT. It invents nothing: what the films do not "
        "determine stays smooth. From one or two films it shows the outline and smeared shadows, no organs in depth "
        "and no pathology."
    )
    citation = "Hestenes M.R., Stiefel E., J. Res. NBS 49, 1952; Vogel C.R., Oman M.E., SIAM J. Sci. Comput. 17, 1996"

    def solve(self, problem: Problem, settings: Settings, progress: Progress) -> Array:
        """The start plus the regularised correction."""
        from X2CTReconLib.classical.least_squares import smallest_variation, tikhonov

        if settings.regularisation == TIKHONOV:
            return tikhonov(problem, settings, progress)
        return smallest_variation(problem, settings, progress)

    def uncertainty_hu(self, problem: Problem, seed: int) -> Array | None:
        """What remains open after the films of how far a body's voxels lie from their mean."""
        from X2CTReconLib.classical.open_share import deviation_hu

        if problem.has_prior:
            return None  # how far the patient has left the prior CT is not known
        return deviation_hu(problem, np.random.default_rng(seed))
