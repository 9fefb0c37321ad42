"""The average patient, deformed until it projects to the films."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from XRayLib.ct import Volume, attenuation_from_hu
from XRayLib.ct.blocks import block_mean
from XRayLib.data_consistency.film_errors import FilmDeviation, FilmErrors
from XRayLib.radiograph import Radiograph
from XRayLib.registry import Progress
from XRayLib.tomography import ProjectionSystem, crossing_lengthwise, films_at, shown_lengthwise

from X2CTReconLib.population_atlas.deformed import deformed
from X2CTReconLib.population_atlas.displacement import SmoothDisplacement
from X2CTReconLib.population_atlas.display_curves import DisplayCurves, as_contrasty
from X2CTReconLib.population_atlas.problem import DRAWN_NEARER, FittingProblem

Array = NDArray[np.float32]

FITTED_SIDE = 32
"""Voxels along an edge on which the deformation is sought: organs, not ribs, decide it."""

FILM_PITCH_MM = 9.0

MISFIT_LENGTH_MM = 36.0
"""How far on a film the errors reach that any deformation of an average patient leaves."""

CALIBRATED = FilmDeviation(0.4 * MISFIT_LENGTH_MM / FILM_PITCH_MM)
"""Such errors are of 0.4 line integrals."""

UNCALIBRATED = FilmDeviation(0.6 * MISFIT_LENGTH_MM / FILM_PITCH_MM, 0.5)
"""Of 0.6 in films of unknown tone curve and scatter, which have a slowly varying background too."""

ROUNDS = 7
"""Gauss-Newton rounds."""

DRAWN_PAIRS = 4
"""Of deformations that explain the films as well as the best one."""

INVERSE_ROUNDS = 10


@dataclass(frozen=True, eq=False)
class FittedAtlas:
    """How the atlas was deformed, and how else it may be."""

    atlas: Volume
    parameters: Array
    """Of SmoothDisplacement, all of deviation 1 in the population: the most probable."""
    possible: Array
    """(draws, count): parameters that explain the films as well within their errors."""

    def expected(self) -> Volume:
        """The mean of all possible ones: nearest to the patient on average, and blurred where the films leave open how
        far the patient goes."""
        return Volume(np.mean(self._patients(self.atlas.voxels), axis=0, dtype=np.float32), self.atlas.ijk_to_ras)

    def spread(self, side: int) -> Array:
        """(side, side, side) HU: standard deviation of the possible ones at their full distance."""
        voxels = block_mean(self.atlas, _edge_mm(self.atlas) / side).voxels
        return np.std(self._patients(voxels), axis=0, dtype=np.float32) / np.float32(DRAWN_NEARER)

    def carried(self, voxels: Array) -> Array:
        """Another volume (n, n, n) of the atlas, deformed by ``parameters``."""
        return deformed(voxels, self._displacement_mm(voxels.shape[0], self.parameters), self._spacing_mm(voxels))

    def carried_back(self, voxels: Array) -> Array:
        """What ``carried`` undoes: a volume (n, n, n) of the patient in the atlas' shape, by fixed-point iteration."""
        there, spacing_mm = self._displacement_mm(voxels.shape[0], self.parameters), self._spacing_mm(voxels)
        back = np.zeros_like(there)
        for _ in range(INVERSE_ROUNDS):
            back = -np.stack([deformed(along, back, spacing_mm) for along in there])
        return deformed(voxels, back, spacing_mm)

    @property
    def displacement_p95_mm(self) -> float:
        """How far 95 % of the cube was moved at most."""
        displacement_mm = self._displacement_mm(FITTED_SIDE, self.parameters)
        return float(np.percentile(np.linalg.norm(displacement_mm, axis=0), 95))

    def _patients(self, voxels: Array) -> list[Array]:
        """A volume (n, n, n) of the atlas in every possible shape."""
        shapes = (self._displacement_mm(voxels.shape[0], parameters) for parameters in self.possible)
        return [deformed(voxels, displacement_mm, self._spacing_mm(voxels)) for displacement_mm in shapes]

    def _displacement_mm(self, side: int, parameters: Array) -> Array:
        return SmoothDisplacement(side, _edge_mm(self.atlas)).displacement_mm(parameters)

    def _spacing_mm(self, voxels: Array) -> float:
        return _edge_mm(self.atlas) / voxels.shape[0]


def fitted_atlas(
    atlas_hu: Volume,
    radiographs: Sequence[Radiograph],
    device: str = "auto",
    progress: Progress = lambda _fraction, _stage: None,
    drawn_pairs: int = DRAWN_PAIRS,
) -> FittedAtlas:
    """Deform an average patient smoothly until it projects to the films.

    Maximum a posteriori by Gauss-Newton: displacements of the population's size, films that are explained up to
    CALIBRATED or UNCALIBRATED. Films that are not calibrated show line integrals through an unknown curve; rays through
    what the atlas or the films do not show of the patient's length do not count. Then the draws from the posterior,
    always the same for the same films.

    Parameters
    ----------
    atlas_hu : Volume
        A cube in HU along S, A, R, of a multiple of FITTED_SIDE voxels along an edge (or fewer), where the patient is
        expected in the RAS frame of the radiographs.
    radiographs : sequence of Radiograph
    device : "auto", "cpu" or "cuda"
    progress : function of (fraction, stage)
    drawn_pairs : int
        Half as many deformations as are drawn; with none the expected patient is the most probable one.

    Raises
    ------
    InputError
        For films without contrast, or a source inside the atlas.
    """
    problem = _problem(atlas_hu, radiographs, device)
    unknowns, rounds = problem.nothing, ROUNDS + drawn_pairs
    for number in range(ROUNDS):
        progress(number / rounds, "Deforming the average patient to the films")
        unknowns, improved = problem.round(unknowns)
        if not improved:
            break
    possible = problem.drawn(
        unknowns,
        drawn_pairs,
        np.random.default_rng(0),
        lambda number: progress((ROUNDS + number) / rounds, "Looking for other patients with these films"),
    )
    return FittedAtlas(atlas_hu, unknowns[: problem.displacement.count], possible)


def _problem(atlas_hu: Volume, radiographs: Sequence[Radiograph], device: str) -> FittingProblem:
    attenuation = Volume(attenuation_from_hu(atlas_hu.voxels), atlas_hu.ijk_to_ras, "mu_per_mm")
    coarse = block_mean(attenuation, _edge_mm(atlas_hu) / FITTED_SIDE)
    films = films_at(radiographs, FILM_PITCH_MM)
    system = ProjectionSystem(coarse, films, device)
    trust = films.weights * crossing_lengthwise(coarse, films, device) * shown_lengthwise(films)
    return FittingProblem(
        coarse,
        SmoothDisplacement(coarse.voxels.shape[0], _edge_mm(atlas_hu)),
        system,
        as_contrasty(films, system.forward(coarse.voxels), trust > 0.5),
        trust,
        FilmErrors(films, FILM_PITCH_MM, UNCALIBRATED, CALIBRATED),
        DisplayCurves(films.calibrated, trust > 0.5),
    )


def _edge_mm(volume: Volume) -> float:
    return float(volume.spacing_mm[0]) * volume.voxels.shape[0]
