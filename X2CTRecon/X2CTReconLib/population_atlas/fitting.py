"""The average patient, deformed until it projects to the films."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from XRayLib.ct import Volume, attenuation_from_hu
from XRayLib.ct.blocks import block_mean
from XRayLib.data_consistency.film_corrections import fitted_gain_offset
from XRayLib.data_consistency.film_errors import FilmDeviation, FilmErrors, with_background
from XRayLib.radiograph import Radiograph
from XRayLib.tomography import (
    Films,
    ProjectionSystem,
    crossing_lengthwise,
    damped_least_squares,
    films_at,
    shown_lengthwise,
)

from X2CTReconLib.population_atlas.deformed import deformed, deformed_with_gradient
from X2CTReconLib.population_atlas.displacement import SmoothDisplacement

Array = NDArray[np.float32]
Progress = Callable[[float, str], None]

FITTED_SIDE = 32
"""Voxels along an edge on which the deformation is sought: organs, not ribs, decide it."""

FILM_PITCH_MM = 9.0

MISFIT_LENGTH_MM = 36.0
"""How far on a film the errors reach that any deformation of an average patient leaves."""

CALIBRATED = FilmDeviation(0.4 * MISFIT_LENGTH_MM / FILM_PITCH_MM)
"""Such errors are of 0.4 line integrals."""

UNCALIBRATED = FilmDeviation(0.6 * MISFIT_LENGTH_MM / FILM_PITCH_MM, 0.5, same_contrast=True)
"""Of 0.6 in films of unknown gain, tone curve and scatter, which have a slowly varying background too."""

ROUNDS, STEPS = 7, 16
"""Gauss-Newton rounds, and steps of conjugate gradients in each."""

INVERSE_ROUNDS = 10

SHARES = (1.0, 0.5, 0.25)
"""Of a round's step that are tried; none is taken that makes the films fit worse."""


@dataclass(frozen=True, eq=False)
class FittedAtlas:
    """The deformed atlas and how it was deformed."""

    volume: Volume
    parameters: Array
    """Of SmoothDisplacement, all of deviation 1 in the population."""

    def carried(self, voxels: Array) -> Array:
        """Another volume (n, n, n) of the atlas, deformed alike."""
        side, edge_mm = voxels.shape[0], _edge_mm(self.volume)
        return deformed(voxels, self.displacement_mm(side), edge_mm / side)

    def carried_back(self, voxels: Array) -> Array:
        """What ``carried`` undoes: a volume (n, n, n) of the patient in the atlas' shape, by fixed-point iteration."""
        side, edge_mm = voxels.shape[0], _edge_mm(self.volume)
        there = self.displacement_mm(side)
        back = np.zeros_like(there)
        for _ in range(INVERSE_ROUNDS):
            back = -np.stack([deformed(along, back, edge_mm / side) for along in there])
        return deformed(voxels, back, edge_mm / side)

    @property
    def displacement_p95_mm(self) -> float:
        """How far 95 % of the cube was moved at most."""
        return float(np.percentile(np.linalg.norm(self.displacement_mm(FITTED_SIDE), axis=0), 95))

    def displacement_mm(self, side: int) -> Array:
        """(3, side, side, side) along k, j, i: where in the atlas every voxel of the patient comes from."""
        return SmoothDisplacement(side, _edge_mm(self.volume)).displacement_mm(self.parameters)


def fitted_atlas(
    atlas_hu: Volume,
    radiographs: Sequence[Radiograph],
    device: str = "auto",
    progress: Progress = lambda _fraction, _stage: None,
) -> FittedAtlas:
    """Deform an average patient smoothly until it projects to the films.

    Maximum a posteriori by Gauss-Newton: displacements of the population's size, films that are explained up to
    CALIBRATED or UNCALIBRATED. Films that are not calibrated have a gain and an offset of their own; rays through what
    the atlas or the films do not show of the patient's length do not count.

    Parameters
    ----------
    atlas_hu : Volume
        A cube in HU along S, A, R, of a multiple of FITTED_SIDE voxels along an edge (or fewer), where the patient is
        expected in the RAS frame of the radiographs.
    radiographs : sequence of Radiograph
    device : "auto", "cpu" or "cuda"
    progress : function of (fraction, stage)

    Raises
    ------
    InputError
        For films without contrast, or a source inside the atlas.
    """
    attenuation = Volume(attenuation_from_hu(atlas_hu.voxels), atlas_hu.ijk_to_ras, "mu_per_mm")
    coarse = block_mean(attenuation, _edge_mm(atlas_hu) / FITTED_SIDE)
    films = films_at(radiographs, FILM_PITCH_MM)
    problem = _Problem(
        coarse,
        SmoothDisplacement(coarse.voxels.shape[0], _edge_mm(atlas_hu)),
        ProjectionSystem(coarse, films, device),
        films.weights * crossing_lengthwise(coarse, films, device) * shown_lengthwise(films),
        FilmErrors(films, FILM_PITCH_MM, UNCALIBRATED, CALIBRATED),
    )
    unknowns = problem.nothing
    for number in range(ROUNDS):
        progress(number / ROUNDS, "Deforming the average patient to the films")
        unknowns, improved = problem.round(unknowns)
        if not improved:
            break
    found = FittedAtlas(atlas_hu, unknowns[: problem.displacement.count])
    return replace(found, volume=Volume(found.carried(atlas_hu.voxels), atlas_hu.ijk_to_ras))


@dataclass(frozen=True, eq=False)
class _Problem:
    """Unknown are the displacement's parameters and, behind them, the white noise of the films' backgrounds."""

    coarse: Volume
    displacement: SmoothDisplacement
    system: ProjectionSystem
    trust: Array
    """0..1 for every pixel."""
    errors: FilmErrors

    @property
    def nothing(self) -> Array:
        """No displacement, no background."""
        return np.zeros(self.displacement.count + self.trust.size, np.float32)

    def round(self, unknowns: Array) -> tuple[Array, bool]:
        """One Gauss-Newton step, and whether it made the films fit better."""
        voxels, slopes = deformed_with_gradient(self.coarse.voxels, self._displacement_mm(unknowns), self._spacing_mm)
        projected = self.system.forward(voxels)
        films, root = self._calibrated(projected)
        forward, adjoint = with_background(
            lambda change: self.system.forward((slopes * self.displacement.displacement_mm(change)).sum(axis=0)),
            lambda images: self.displacement.adjoint(slopes * self.system.adjoint(images)),
            self.errors,
            (self.displacement.count,),
        )
        misfit = root * (films.images - projected - self._background(unknowns))
        target, _ = damped_least_squares(
            lambda change: root * forward(change),
            lambda images: adjoint(root * images),
            misfit + root * forward(unknowns),
            steps=STEPS,
            damping=1.0,
        )
        before = float((misfit**2).sum() + (unknowns**2).sum())
        for share in SHARES:
            tried = unknowns + np.float32(share) * (target - unknowns)
            if self._cost(tried, films, root) < before:
                return tried, True
        return unknowns, False

    def _cost(self, unknowns: Array, films: Films, root: Array) -> float:
        voxels = deformed(self.coarse.voxels, self._displacement_mm(unknowns), self._spacing_mm)
        misfit = root * (films.images - self.system.forward(voxels) - self._background(unknowns))
        return float((misfit**2).sum() + (unknowns**2).sum())

    def _calibrated(self, projected: Array) -> tuple[Films, Array]:
        """The films in line integrals, and the reciprocal deviation of their pixels; 0 in films that do not fit."""
        films, same_contrast = self.system.films, UNCALIBRATED.same_contrast
        gains, offsets, strangers = fitted_gain_offset(projected, films, self.trust, same_contrast)
        root = np.sqrt(self.trust) / self.errors.white
        root[list(strangers)] = 0
        return films.in_line_integrals(gains, offsets), root

    def _displacement_mm(self, unknowns: Array) -> Array:
        return self.displacement.displacement_mm(unknowns[: self.displacement.count])

    def _background(self, unknowns: Array) -> Array:
        return self.errors.background(unknowns[self.displacement.count :].reshape(self.trust.shape))

    @property
    def _spacing_mm(self) -> float:
        return float(self.coarse.spacing_mm[0])


def _edge_mm(volume: Volume) -> float:
    return float(volume.spacing_mm[0]) * volume.voxels.shape[0]
