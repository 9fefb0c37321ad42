"""From a case to a volume without a network: what CGLS, SART and filtered back-projection share."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from dataclasses import asdict
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray
from XRayLib.case import Case, Options, Result
from XRayLib.errors import InputError
from XRayLib.registry import Method, Needs, Progress, part_of

from X2CTReconLib.classical.limits import limits_of
from X2CTReconLib.classical.settings import Settings
from X2CTReconLib.run_provenance import versions, view_provenance

if TYPE_CHECKING:
    from XRayLib.ct import Volume

    from X2CTReconLib.classical.problem import Problem

EFFECTIVE_ENERGY_KEV = 64
"""Where water attenuates as XRayLib.ct.MU_WATER_PER_MM says."""

MOST_VIEWS = 10


class ClassicalMethod(Method, ABC):
    """Solves films = projection(volume) as far as the films go. Subclasses define ``solve``."""

    returns: ClassVar[str] = "volume"
    needs: ClassVar[Needs] = Needs(min_views=1, max_views=MOST_VIEWS, accepts_ct=True)

    @abstractmethod
    def solve(self, problem: Problem, settings: Settings, progress: Progress) -> NDArray[np.float32]:
        """Linear attenuation (k, j, i), 1/mm, ; ``progress`` runs from 0 to 1."""

    def uncertainty_hu(self, _problem: Problem, _seed: int) -> NDArray[np.float32] | None:
        """Standard deviation (k, j, i) in HU, None where the method has no cheap one."""
        return None

    def check(self, case: Case) -> None:
        """Also refuses a prior CT in other units."""
        super().check(case)
        if case.ct is not None and case.ct.quantity != "HU":
            raise InputError(f"The prior CT must be in HU, this one is in {case.ct.quantity}.")

    def run(self, case: Case, options: Options, progress: Progress) -> Result:
        """Volume in HU over the films' common field (or the prior CT), its re-projections and what they leave open."""
        from XRayLib.ct import MU_WATER_PER_MM, Volume, hu_from_attenuation
        from XRayLib.reprojection import reproject

        from X2CTReconLib.classical.problem import problem_of

        started = time.perf_counter()
        settings = Settings.of(options.extra)
        progress(0.0, "Preparing the films")
        problem = problem_of(case, settings, options.device)
        before = reproject(_hounsfield(problem, problem.start), case.radiographs, device=options.device)
        attenuation = self.solve(problem, settings, part_of(progress, 0.05, 0.85))
        volume = Volume(hu_from_attenuation(np.maximum(attenuation, 0)), problem.system.grid.ijk_to_ras)
        progress(0.85, "Projecting the result")
        views = reproject(volume, case.radiographs, device=options.device)
        deviation = self.uncertainty_hu(problem, options.seed)
        progress(1.0, "Done")
        quality = {f"reprojection_residual_{n}": view.residual for n, view in enumerate(views, 1)}
        quality |= {f"start_residual_{n}": view.residual for n, view in enumerate(before, 1)}
        told = [text for radiograph in case.radiographs for text in radiograph.assumptions]
        return Result(
            method=self.id,
            volume=volume,
            uncertainty=None if deviation is None else Volume(deviation, volume.ijk_to_ras, "HU_sd"),
            views=views,
            quality=quality,
            warnings=(*limits_of(case), *problem.assumptions, *dict.fromkeys(told)),
            provenance={
                "method": self.id,
                "settings": asdict(settings),
                "mu_water_per_mm": MU_WATER_PER_MM,
                "effective_energy_kev": EFFECTIVE_ENERGY_KEV,
                "options": {"device": options.device, "seed": options.seed},
                "views": [view_provenance(radiograph) for radiograph in case.radiographs],
                "versions": versions("scipy"),
                "seconds": round(time.perf_counter() - started, 3),
            },
        )


def _hounsfield(problem: Problem, attenuation: NDArray[np.float32]) -> Volume:
    from XRayLib.ct import Volume, hu_from_attenuation

    return Volume(hu_from_attenuation(attenuation), problem.system.grid.ijk_to_ras)
