"""Least squares with Tikhonov or total-variation regularisation, by conjugate gradients."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from XRayLib.registry import Progress
from XRayLib.tomography import FILM_DEVIATION, damped_least_squares, differences, differences_adjoint

from X2CTReconLib.classical.problem import Problem
from X2CTReconLib.classical.settings import Settings

Array = NDArray[np.float32]

TISSUE_DEVIATION_PER_MM = 0.006
"""Standard deviation of a body's voxels about their mean: 300 HU."""

SLOPE_SCALE, SLOPE_FLOOR = 0.0015, 0.0004
"""1/mm between neighbouring voxels: mean of the assumed distribution of slopes, and what counts as flat."""

TIKHONOV_STEPS = 30
VARIATION_ROUNDS, VARIATION_STEPS = 4, 12


def tikhonov(problem: Problem, settings: Settings, progress: Progress) -> Array:
    """Maximum of the posterior for independent voxels about the start (Gaussian)."""
    system, root = problem.system, np.sqrt(problem.films.weights)
    stages = _stages(settings.iterations or TIKHONOV_STEPS, progress)

    def forward(correction: Array) -> Array:
        next(stages)
        return root * system.forward(correction * problem.inside)

    correction, _ = damped_least_squares(
        forward,
        lambda images: problem.inside * system.adjoint(root * images),
        root * (problem.films.images - system.forward(problem.start)),
        steps=settings.iterations or TIKHONOV_STEPS,
        damping=settings.strength * (FILM_DEVIATION / TISSUE_DEVIATION_PER_MM) ** 2,
    )
    return np.maximum(problem.start + problem.inside * correction, 0)


def smallest_variation(problem: Problem, settings: Settings, progress: Progress) -> Array:
    """Total variation by lagged diffusivity (Vogel and Oman): each round a quadratic penalty with weights 1 / slope."""
    steps = max(1, round((settings.iterations or VARIATION_ROUNDS * VARIATION_STEPS) / VARIATION_ROUNDS))
    stages = _stages(VARIATION_ROUNDS * steps, progress)
    voxels = problem.start
    for _ in range(VARIATION_ROUNDS):
        voxels = np.maximum(_quadratic_round(problem, voxels, settings.strength, steps, stages), 0)
    return voxels


def _quadratic_round(problem: Problem, voxels: Array, strength: float, steps: int, stages: Iterator[None]) -> Array:
    system, root = problem.system, np.sqrt(problem.films.weights)
    slopes = differences(voxels - problem.reference)
    scale = strength * FILM_DEVIATION**2 / SLOPE_SCALE
    penalty = np.sqrt(scale / np.maximum(np.sqrt((slopes**2).sum(axis=0)), SLOPE_FLOOR)).astype(np.float32)
    size = problem.films.images.size

    def forward(correction: Array) -> Array:
        next(stages)
        inside = correction * problem.inside
        images = root * system.forward(inside)
        return np.concatenate([images.ravel(), (penalty * differences(inside)).ravel()])

    def adjoint(stacked: Array) -> Array:
        images = stacked[:size].reshape(root.shape)
        rough = stacked[size:].reshape(slopes.shape)
        return problem.inside * (system.adjoint(root * images) + differences_adjoint(penalty * rough))

    misfit = root * (problem.films.images - system.forward(voxels))
    data = np.concatenate([misfit.ravel(), (-penalty * slopes).ravel()])
    correction, _ = damped_least_squares(forward, adjoint, data, steps=steps)
    return voxels + problem.inside * correction


def _stages(total: int, progress: Progress) -> Iterator[None]:
    """Tells the progress each time it is advanced."""
    done = 0
    while True:
        progress(min(done / total, 1.0), "Fitting the films")
        done += 1
        yield
