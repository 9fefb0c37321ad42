"""How much of every place's attenuation the films leave open."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from XRayLib.ct import Volume, resample
from XRayLib.ct.blocks import in_blocks
from XRayLib.tomography import FILM_DEVIATION, Films, ProjectionSystem, damped_least_squares

from X2CTReconLib.classical.least_squares import TISSUE_DEVIATION_PER_MM
from X2CTReconLib.classical.problem import Problem

TISSUE_DEVIATION_HU = 300.0
"""How far a body's voxels lie from their mean: TISSUE_DEVIATION_PER_MM."""

COARSENING = 3
PROBES, STEPS = 12, 12


def deviation_hu(problem: Problem, random: np.random.Generator) -> NDArray[np.float32]:
    """Standard deviation (k, j, i) in HU: 300 HU where the films say nothing, less where they do, 0 in air.

    The posterior of independent voxels three times as wide as the grid's has the variance 1 - diag(R) of the prior's,
    R = (A'A + damping)^-1 A'A; its diagonal is estimated with random signs (Bekas, Kokiopoulou, Saad, Appl. Numer.
    Math. 57:1214-1229, 2007) and smoothed.
    """
    from scipy import ndimage

    system, inside = _coarse(problem)
    root = np.sqrt(system.films.weights)
    damping = (FILM_DEVIATION / TISSUE_DEVIATION_PER_MM) ** 2
    product = np.zeros(system.shape)
    for _ in range(PROBES):
        signs = inside * random.choice(np.array([-1, 1], np.float32), system.shape)
        answer, _ = damped_least_squares(
            lambda voxels: root * system.forward(voxels * inside),
            lambda images: inside * system.adjoint(root * images),
            root * system.forward(signs),
            steps=STEPS,
            damping=damping,
        )
        product += signs * answer / PROBES
    known, share = (ndimage.gaussian_filter(a, 1.5) for a in (product, inside))
    opened = np.sqrt(1 - np.clip(known / np.maximum(share, 0.05), 0, 1))
    fine = resample(
        Volume(opened.astype(np.float32), system.grid.ijk_to_ras, "share"),
        problem.inside.shape,
        problem.system.grid.ijk_to_ras,
    )
    return TISSUE_DEVIATION_HU * problem.inside * fine.voxels


def _coarse(problem: Problem) -> tuple[ProjectionSystem, NDArray[np.float32]]:
    """The same system on voxels and pixels three times as wide, with the share of matter in each voxel."""
    grid = problem.system.grid
    shape = tuple(max(2, -(-size // COARSENING)) for size in grid.voxels.shape)
    ijk_to_ras = in_blocks(grid.ijk_to_ras, COARSENING)
    inside = resample(Volume(problem.inside, grid.ijk_to_ras, "share"), shape, ijk_to_ras).voxels  # type: ignore[arg-type]
    coarse = Volume(np.zeros(shape, np.float32), ijk_to_ras, "mu_per_mm")
    return ProjectionSystem(coarse, _coarse_films(problem.films), problem.system.device), np.round(inside)


def _coarse_films(films: Films) -> Films:
    rows, columns = (max(4, size // COARSENING) for size in films.images.shape[1:])
    row, column = (
        np.linspace(0, size - 1, count).astype(int)
        for size, count in zip(films.images.shape[1:], (rows, columns), strict=True)
    )
    return Films(
        tuple(geometry.resampled((columns, rows)) for geometry in films.geometries),
        films.images[:, row][:, :, column],
        films.weights[:, row][:, :, column],
        films.calibrated,
    )
