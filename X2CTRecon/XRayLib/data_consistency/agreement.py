"""A volume made to agree with the films it came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from XRayLib.case import Options, View
from XRayLib.ct import Volume, attenuation_from_hu, hu_from_attenuation
from XRayLib.data_consistency.film_corrections import better_placed, fitted_gain_offset
from XRayLib.data_consistency.film_errors import PROCESSED, FilmDeviation, FilmErrors, with_background
from XRayLib.data_consistency.residual_grid import ResidualGrid
from XRayLib.geometry import XRayGeometry
from XRayLib.radiograph import Radiograph
from XRayLib.registry import Progress
from XRayLib.reprojection import reproject
from XRayLib.tomography import (
    Films,
    ProjectionSystem,
    crossing_lengthwise,
    damped_least_squares,
    films_at,
    shown_lengthwise,
    shown_rays,
)

Array = NDArray[np.float32]

STEPS_OF_ROUNDS = (8, 8, 24)
"""Conjugate-gradient steps between corrections of the films; films that need none get the last round only."""

CHANGE_DEVIATION_PER_MM = 0.004
"""How far (200 HU) a coarse voxel may be from the given volume."""

LEAST_MISFIT = 0.003
"""Of a film's contrast: less is the coarse grid's doing, not the patient's."""

PIXELS_PER_VOXEL = 1.4

CHANGED = (
    "The volume was adjusted until it projects to the films (data consistency): agreement with the films is then no "
    "sign that it is right."
)


@dataclass(frozen=True, eq=False)
class Agreement:
    """The volume and what it projects to, with the numbers of the adjustment (none where it was not asked for)."""

    volume: Volume
    views: tuple[View, ...]
    quality: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)


def agreement_of(
    volume_hu: Volume,
    radiographs: Sequence[Radiograph],
    options: Options,
    progress: Progress,
    goes_on_beyond: bool = False,
) -> Agreement:
    """The volume's re-projections; after :func:`made_consistent` if ``options.extra["consistent"]`` is true.

    Volumes that go on beyond what films show, as of those that were fitted to them, are made so where the options do
    not say.
    """
    if options.flag("consistent", goes_on_beyond):
        return made_consistent(
            volume_hu, radiographs, device=options.device, progress=progress, goes_on_beyond=goes_on_beyond
        )
    counted = shown_rays(radiographs) if goes_on_beyond else None
    return Agreement(volume_hu, reproject(volume_hu, radiographs, options.device, counted))


def made_consistent(
    volume_hu: Volume,
    radiographs: Sequence[Radiograph],
    *,
    device: str = "auto",
    progress: Progress = lambda _fraction, _stage: None,
    uncalibrated: FilmDeviation = PROCESSED,
    goes_on_beyond: bool = False,
) -> Agreement:
    """Change a volume, smoothly and as little as needed, until it projects to the films.

    Alternates between the films' own errors (gain and offset of uncalibrated films, the pose of films of
    assumed geometry) and conjugate gradients on a coarse, smooth change of the attenuation, which stop at the noise.
    What uncalibrated films hold beside the patient (scatter, local contrast) is estimated with it and left unexplained.

    Parameters
    ----------
    volume_hu : Volume
        In HU, in the RAS frame of the radiographs' geometries.
    radiographs : sequence of Radiograph
    device : "auto", "cpu" or "cuda"
    progress : function of (fraction, stage)
    uncalibrated : FilmDeviation
        What films that are not calibrated hold beside the patient.
    goes_on_beyond : bool
        The volume goes on above and below where films are empty, as of a CT that ends: those rays count neither in the
        adjustment nor in the residuals.

    Returns
    -------
    Agreement
        ``quality``: "reprojection_residual_before_N" for every film N; the re-projections are in the films' stated
        geometry where that was measured, in the corrected one where it was assumed.

    Raises
    ------
    InputError
        For a volume in other units, films without contrast, or a source inside the volume.
    """
    counted = shown_rays(radiographs) if goes_on_beyond else None
    before = reproject(volume_hu, radiographs, device, counted)
    attenuation = Volume(attenuation_from_hu(volume_hu.voxels), volume_hu.ijk_to_ras, "mu_per_mm")
    residual_grid = ResidualGrid(attenuation)
    pitch_mm = residual_grid.spacing_mm / PIXELS_PER_VOXEL
    films = films_at(radiographs, pitch_mm)
    errors = FilmErrors(films, pitch_mm, uncalibrated)
    trust = films.weights * crossing_lengthwise(attenuation, films, device)
    if goes_on_beyond:
        trust = trust * shown_lengthwise(films)
    white, steps, moves = np.zeros_like(residual_grid.empty.voxels), 0, {}
    strangers: set[int] = set()
    settled = all(radiograph.calibrated and not radiograph.geometry.assumed for radiograph in radiographs)
    rounds = STEPS_OF_ROUNDS[-1:] if settled else STEPS_OF_ROUNDS
    for number, most_steps in enumerate(rounds):
        progress(number / len(rounds), "Making the volume agree with the films")
        current = _changed(attenuation, residual_grid, white)
        films, calibrated, found = _corrected_films(
            current, radiographs, films, trust, moves, uncalibrated.same_contrast, device
        )
        strangers.update(found)
        trust[list(strangers)] = 0
        white, taken = _consistent_change(attenuation, residual_grid, calibrated, trust, errors, most_steps, device)
        steps += taken
    changed = _changed(attenuation, residual_grid, white)
    placed = [_placed(r, g, n in moves) for n, (r, g) in enumerate(zip(radiographs, films.geometries, strict=True))]
    result = Volume(hu_from_attenuation(changed.voxels), volume_hu.ijk_to_ras)
    return Agreement(
        volume=result,
        views=reproject(result, placed, device, counted),
        quality={f"reprojection_residual_before_{n}": view.residual for n, view in enumerate(before, 1)},
        warnings=(CHANGED, *_film_warnings(moves, sorted(strangers))),
        provenance={
            "data_consistency": {
                "steps": steps,
                "coarse_spacing_mm": residual_grid.spacing_mm,
                "moved_mm": {str(n + 1): round(mm, 2) for n, mm in moves.items()},
            }
        },
    )


def _changed(attenuation: Volume, residual_grid: ResidualGrid, white: Array) -> Volume:
    voxels = attenuation.voxels + residual_grid.fine(residual_grid.shaped(white))
    return replace(attenuation, voxels=np.maximum(voxels, 0))


def _corrected_films(
    current: Volume,
    radiographs: Sequence[Radiograph],
    films: Films,
    trust: Array,
    moves: dict[int, float],
    same_contrast: bool,
    device: str,
) -> tuple[Films, Films, tuple[int, ...]]:
    """The films better placed, the same in line integrals, and the numbers of those that do not fit the volume."""
    gains, offsets, strangers = fitted_gain_offset(_projected(current, films, device), films, trust, same_contrast)
    calibrated = films.in_line_integrals(gains, offsets)
    geometries = list(films.geometries)
    for n, radiograph in enumerate(radiographs):
        if radiograph.geometry.assumed and n not in strangers:
            geometries[n], moved_mm = better_placed(current, calibrated, trust, n, device)
            moves[n] = moves.get(n, 0.0) + moved_mm
    films = replace(films, geometries=tuple(geometries))
    gains, offsets, strangers = fitted_gain_offset(_projected(current, films, device), films, trust, same_contrast)
    return films, films.in_line_integrals(gains, offsets), strangers


def _consistent_change(
    attenuation: Volume,
    residual_grid: ResidualGrid,
    films: Films,
    trust: Array,
    errors: FilmErrors,
    steps: int,
    device: str,
) -> tuple[Array, int]:
    """The change, not yet shaped, that makes the volume agree with films in line integrals; the steps taken."""
    system, shape = ProjectionSystem(residual_grid.empty, films, device), residual_grid.empty.voxels.shape
    forward, adjoint = with_background(
        lambda white: system.forward(CHANGE_DEVIATION_PER_MM * residual_grid.shaped(white)),
        lambda images: CHANGE_DEVIATION_PER_MM * residual_grid.shaped_adjoint(system.adjoint(images)),
        errors,
        shape,
    )
    root = np.sqrt(trust) / errors.white
    floor = root * _least_misfit(films)[:, None, None]

    def agrees(misfit: Array) -> bool:
        return float((misfit**2).sum()) <= float((floor**2).sum())

    white, taken = damped_least_squares(
        lambda white: root * forward(white),
        lambda images: adjoint(root * images),
        root * (films.images - _projected(attenuation, films, device)),
        steps=steps,
        damping=1.0,
        finished=agrees,
    )
    return np.float32(CHANGE_DEVIATION_PER_MM) * white[: np.prod(shape)].reshape(shape), taken


def _least_misfit(films: Films) -> NDArray[np.float64]:
    """Root mean square (views,) in line integrals at which a film is explained."""
    contrast = np.array([image.std() for image in films.images])
    return np.maximum(films.noise(), LEAST_MISFIT * contrast)


def _projected(volume: Volume, films: Films, device: str) -> Array:
    from XRayLib.projector import project

    return project(volume, films.geometries, device=device)


def _placed(radiograph: Radiograph, geometry: XRayGeometry, moved: bool) -> Radiograph:
    """The film with its corrected geometry, which was found on coarse pixels."""
    if not moved:
        return radiograph
    return replace(radiograph, geometry=geometry.resampled(radiograph.geometry.size_px))


def _film_warnings(moves: Mapping[int, float], strangers: Sequence[int]) -> tuple[str, ...]:
    told = [f"Film {n + 1} was moved by {mm:.0f} mm to agree with the volume." for n, mm in moves.items() if mm >= 1]
    told += [f"Film {n + 1} does not resemble the volume and was left out of the adjustment." for n in strangers]
    return tuple(told)
