"""Stage 2: the embedded network is changed until its projections are the films (Shen et al. 2022, section III-C)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from XRayLib.ct import MU_WATER_PER_MM
from XRayLib.projector.torch_function import project_torch
from XRayLib.registry import Progress

from X2CTReconLib.implicit.films import MeasuredFilm
from X2CTReconLib.implicit.network import ImplicitVolume
from X2CTReconLib.implicit.prior_grid import PriorGrid
from X2CTReconLib.implicit.settings import ImplicitSettings

Matrix = NDArray[np.float64]


class ProjectionLoss:
    """Half the mean squared difference between films and projections, both line integrals."""

    def __init__(self, films: Sequence[MeasuredFilm], ijk_to_ras: Matrix, device: torch.device) -> None:
        by_size = sorted(films, key=lambda film: film.geometry.size_px)
        self._ijk_to_ras = ijk_to_ras
        self._groups = []
        for _, same in groupby(by_size, key=lambda film: film.geometry.size_px):
            group = list(same)
            images = [torch.from_numpy(np.stack(each)).to(device) for each in _images(group)]
            self._groups.append(([film.geometry for film in group], *images))
        self._weights = sum(float(weight.sum()) for *_, weight in self._groups)

    def account_for_fine_detail(self, water: Tensor) -> None:
        """Take from the films what the CT projects to beyond ``water``, the CT on the coarse grid (k, j, i)."""
        with torch.no_grad():
            for geometries, wanted, prior, _ in self._groups:
                wanted -= prior - self._projected(water, geometries)

    def __call__(self, water: Tensor) -> Tensor:
        """Of attenuation in units of water's, (k, j, i)."""
        total = water.new_zeros(())
        for geometries, wanted, _, weight in self._groups:
            total = total + (weight * (self._projected(water, geometries) - wanted) ** 2).sum()
        return 0.5 * total / self._weights

    def crossed(self, water: Tensor) -> Tensor:
        """The voxels that a counting ray passes, (k, j, i) bool."""
        probe = torch.zeros_like(water).requires_grad_()
        sum((weight * self._projected(probe, views)).sum() for views, _, _, weight in self._groups).backward()
        return probe.grad > 0

    def _projected(self, water: Tensor, geometries: list) -> Tensor:
        return project_torch(MU_WATER_PER_MM * water, self._ijk_to_ras, geometries)


def _images(films: Sequence[MeasuredFilm]) -> tuple[list, list, list]:
    return [f.line_integral for f in films], [f.prior for f in films], [f.weight for f in films]


def optimised(
    network: ImplicitVolume,
    grid: PriorGrid,
    films: Sequence[MeasuredFilm],
    settings: ImplicitSettings,
    progress: Progress,
) -> tuple[NDArray[np.float32], list[float]]:
    """Attenuation in units of water's on the grid (k, j, i), and the loss before every iteration and after the last."""
    device = network.frequencies.device
    start = torch.from_numpy(grid.water.voxels).to(device)
    loss = ProjectionLoss(films, grid.water.ijk_to_ras, device)
    positions = torch.from_numpy(grid.positions()).to(device)
    if settings.change_only:
        loss.account_for_fine_detail(start)
        free = torch.from_numpy(grid.body).to(device) & loss.crossed(start)
        volume = _change_of(network, positions, start, free)
    else:
        features = network.encoded(positions)

        def volume() -> Tensor:
            return network(features).reshape(start.shape)

    losses = _descend(network, volume, loss, settings, progress)
    with torch.no_grad():
        return volume().cpu().numpy(), losses


def _change_of(network: ImplicitVolume, positions: Tensor, start: Tensor, free: Tensor) -> Callable[[], Tensor]:
    """The grid ``start`` plus what the network has changed since now, in the ``free`` voxels; never negative."""
    features = network.encoded(positions[free.ravel()])
    with torch.no_grad():
        embedded = network(features)

    def volume() -> Tensor:
        change = torch.zeros_like(start).masked_scatter(free, network(features) - embedded)
        return (start + change).clamp(min=0)

    return volume


def _descend(
    network: ImplicitVolume,
    volume: Callable[[], Tensor],
    loss: ProjectionLoss,
    settings: ImplicitSettings,
    progress: Progress,
) -> list[float]:
    """Adam; the network is left at the smallest loss, which for films that the CT explains already is the first."""
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.rate)
    losses: list[float] = []
    for iteration in range(settings.iterations):
        progress(iteration / settings.iterations, "Matching the X-rays")
        if settings.anneal:
            share = 0.5 * (1 + math.cos(math.pi * iteration / settings.iterations))
            optimiser.param_groups[0]["lr"] = share * settings.rate
        optimiser.zero_grad()
        value = loss(volume())
        losses.append(float(value.detach()))
        if losses[-1] == min(losses):
            best = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        value.backward()
        optimiser.step()
    with torch.no_grad():
        losses.append(float(loss(volume())))
    if losses[-1] > min(losses):
        network.load_state_dict(best)
    return losses
