"""One reconstruction as a linear problem: films in line integrals, the grid, what is air, and where to start."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from XRayLib.case import Case
from XRayLib.ct import MU_WATER_PER_MM, Volume, attenuation_from_hu, resample
from XRayLib.errors import InputError
from XRayLib.tomography import Films, ProjectionSystem, films_at

from X2CTReconLib.classical.box import box_of, box_of_volume, seen_by, size_of
from X2CTReconLib.classical.settings import Settings

Array = NDArray[np.float32]

AIR_LINE_INTEGRAL = 0.08
"""A ray of at most this (4 mm of water) has met no body: what lies on it is air."""

THINNEST_PERCENTILE, THICKEST_PERCENTILE = 1.0, 95.0
USUAL_DENSITY = 0.75 * MU_WATER_PER_MM
"""Of a trunk with its lungs."""

DENSEST_START, THINNEST_START = 1.5 * MU_WATER_PER_MM, 0.05 * MU_WATER_PER_MM


@dataclass(frozen=True, eq=False)
class Problem:
    """Films = system(voxels); voxels are 0 outside ``inside``."""

    system: ProjectionSystem
    inside: Array
    """(k, j, i): 1 where there may be matter, 0 where some film sees air."""
    start: Array
    """(k, j, i), 1/mm: a homogeneous body, or the prior CT."""
    assumptions: tuple[str, ...]
    has_prior: bool = False
    """Whether it started from a prior CT."""

    @property
    def reference(self) -> Array | float:
        """What roughness is measured against: the prior CT, which is rough itself, or nothing."""
        return self.start if self.has_prior else np.float32(0)

    @property
    def films(self) -> Films:
        """In line integrals."""
        return self.system.films


def problem_of(case: Case, settings: Settings, device: str) -> Problem:
    """The linear problem of a case. Raises InputError for films, geometries or a CT that cannot be used."""
    prior_to_world = np.eye(4) if case.initial_ct_to_world is None else np.asarray(case.initial_ct_to_world, float)
    geometries = [radiograph.geometry for radiograph in case.radiographs]
    size_mm, assumption = size_of(case.body_part)
    if case.ct is None:
        grid = box_of(geometries, size_mm, settings.spacing_mm, case.isocenter_ras_mm)
        assumptions = [assumption] if assumption else []
    else:
        if case.ct.quantity != "HU":
            raise InputError(f"The prior CT must be in HU, this one is in {case.ct.quantity}.")
        if prior_to_world.shape != (4, 4) or not np.isfinite(prior_to_world).all():
            raise InputError("The pose of the prior CT must be a finite 4x4 matrix.")
        grid = box_of_volume(case.ct, prior_to_world, settings.spacing_mm)
        assumptions = ["The reconstruction started from the prior CT: what the films do not show is the CT's."]
    films = films_at(case.radiographs, grid.spacing_mm[0])
    system = ProjectionSystem(grid, films, device)
    if case.ct is None:
        films, told = _as_line_integrals(films, size_mm)
        system = ProjectionSystem(grid, films, device)
        inside = _not_air(system)
        if system.views == 1:
            inside = _as_thick_as_tissue(system, inside)
        start = _homogeneous(system, inside)
    else:
        start = _prior_on(grid, case.ct, prior_to_world)
        films, told = _fitted_to(system, start)
        system = ProjectionSystem(grid, films, device)
        inside = np.ones(grid.voxels.shape, np.float32)
    return Problem(system, inside, start, (*assumptions, *told), case.ct is not None)


def _as_line_integrals(films: Films, size_mm: tuple[float, float, float]) -> tuple[Films, tuple[str, ...]]:
    """Films of unknown gain and offset set so that they range from open beam to as much water as the body is deep."""
    gains, offsets = np.ones(len(films.calibrated)), np.zeros(len(films.calibrated))
    for n, geometry in enumerate(films.geometries):
        if films.calibrated[n]:
            continue
        seen = films.images[n][films.weights[n] > 0.5]
        offsets[n], thick = np.percentile(seen, (THINNEST_PERCENTILE, THICKEST_PERCENTILE))
        # A trunk is an ellipse: seen obliquely it is no deeper than across and from side to side, as a box would be.
        depth_mm = 0.8 / float(np.linalg.norm(geometry.detector_normal / np.array(size_mm)))
        gains[n] = max(thick - offsets[n], 1e-6) / (MU_WATER_PER_MM * depth_mm)
    return films.in_line_integrals(gains, offsets), _uncalibrated_warning(films)


def _fitted_to(system: ProjectionSystem, prior: Array) -> tuple[Films, tuple[str, ...]]:
    """Films of unknown gain and offset fitted to the projection of the prior CT."""
    from XRayLib.reprojection import fit_gain_offset

    films = system.films
    gains, offsets = np.ones(system.views), np.zeros(system.views)
    for n, image in enumerate(system.forward(prior)):
        if films.calibrated[n]:
            continue
        gains[n], offsets[n], _ = fit_gain_offset(image, films.images[n], films.weights[n] > 0.5)
        if gains[n] <= 0:
            raise InputError(f"Film {n + 1} does not match the prior CT at its pose: register the CT to the films.")
    return films.in_line_integrals(gains, offsets), _uncalibrated_warning(films)


def _uncalibrated_warning(films: Films) -> tuple[str, ...]:
    if all(films.calibrated):
        return ()
    return ("At least one film has unknown gain and offset: the HU values are relative, not measured.",)


def _not_air(system: ProjectionSystem) -> Array:
    """1 where no calibrated film sees air along the ray through the voxel."""
    from scipy import ndimage

    films, shape = system.films, system.shape
    indices = np.indices(shape, dtype=np.float32).reshape(3, -1)[::-1]
    points = (system.grid.ijk_to_ras[:3, :3] @ indices).T + system.grid.ijk_to_ras[:3, 3]
    inside = np.ones(len(points), bool)
    for n, geometry in enumerate(films.geometries):
        if films.calibrated[n]:
            pixel = geometry.project(points).T[::-1]
            body = np.where(films.weights[n] > 0.5, films.images[n], np.inf) > AIR_LINE_INTEGRAL
            body = ndimage.binary_dilation(body).astype(np.float32)
            value = ndimage.map_coordinates(body, pixel, order=0, mode="nearest")
            inside &= (value > 0.5) | ~seen_by(geometry, points)
    if not inside.any():
        raise InputError("The films show only air where they overlap: check their geometries and intensities.")
    return inside.reshape(shape).astype(np.float32)


def _as_thick_as_tissue(system: ProjectionSystem, inside: Array) -> Array:
    """The part about the isocentre that is as thick along the only beam as a body of usual density would be.

    A thicker one would have to be thinner than any tissue: one film does not tell, so this is an assumption.
    """
    geometry, grid = system.films.geometries[0], system.grid
    share = float(_homogeneous(system, inside).max()) / USUAL_DENSITY
    if share >= 1:
        return inside
    indices = np.indices(grid.voxels.shape, dtype=np.float32).reshape(3, -1)[::-1]
    points = (grid.ijk_to_ras[:3, :3] @ indices).T + grid.ijk_to_ras[:3, 3]
    depth = geometry.depth_mm(points).reshape(grid.voxels.shape)
    occupied = depth[inside > 0]
    middle, half = (occupied.max() + occupied.min()) / 2, share * np.ptp(occupied) / 2
    return inside * (np.abs(depth - middle) <= half)


def _homogeneous(system: ProjectionSystem, inside: Array) -> Array:
    """The body of one attenuation that explains the films best."""
    image = system.forward(inside)
    weighted = image * system.films.weights
    density = float((weighted * system.films.images).sum() / max(float((weighted * image).sum()), 1e-9))
    return inside * np.float32(np.clip(density, THINNEST_START, DENSEST_START))


def _prior_on(grid: Volume, ct: Volume, ct_to_world: NDArray[np.float64]) -> Array:
    if not np.isfinite(ct.voxels).all():
        raise InputError("The prior CT contains voxels that are not numbers (NaN or infinity): repair or mask them.")
    placed = Volume(ct.voxels, ct_to_world @ ct.ijk_to_ras, "HU")
    return attenuation_from_hu(resample(placed, grid.voxels.shape, grid.ijk_to_ras).voxels)  # type: ignore[arg-type]
