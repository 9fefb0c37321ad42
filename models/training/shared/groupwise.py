"""The average of several patients that were first brought into one shape: sharper than the mean of them as they lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from X2CTReconLib.population_atlas.deformed import deformed
from X2CTReconLib.population_atlas.displacement import cubic_b_splines
from XRayLib.ct import Volume
from XRayLib.ct.blocks import block_mean

Array = NDArray[np.float32]

COMPARED_SIDE = 32
"""Voxels along an edge on which patients are compared."""

LOWEST_HU, HIGHEST_HU, DEVIATION_HU = -1000.0, 500.0, 300.0
"""What is compared, and by how much patients of one shape differ."""

SIZE_DEVIATION, PLACE_DEVIATION_MM = 0.1, 20.0


@dataclass(frozen=True)
class Round:
    """Every patient is brought to the average of the round before: control points along an edge, their standard
    deviation and steps of L-BFGS."""

    control_points: int
    deviation_mm: float
    steps: int


ROUNDS = (Round(7, 15.0, 20), Round(7, 15.0, 20), Round(13, 10.0, 40), Round(13, 10.0, 40), Round(13, 10.0, 40))


def average_patient(patients_hu: Sequence[Array], edge_mm: float, rounds: Sequence[Round] = ROUNDS) -> Array:
    """HU (n, n, n) of the average of patients (n, n, n) in cubes of ``edge_mm``, n a multiple of COMPARED_SIDE.

    Groupwise registration: starting at their mean, all are registered to the average, which is then made anew.
    """
    average = np.mean(patients_hu, axis=0).astype(np.float32)
    found: list[Tensor | None] = [None] * len(patients_hu)
    for n, settings in enumerate(rounds):
        if n and settings.control_points != rounds[n - 1].control_points:
            found = [None] * len(patients_hu)
        registration = Registration(average, edge_mm, settings)
        found = [registration.parameters(hu, start) for hu, start in zip(patients_hu, found, strict=True)]
        registered = [registration.registered(hu, p) for hu, p in zip(patients_hu, found, strict=True)]
        average = np.mean(registered, axis=0).astype(np.float32)
    return average


class Registration:
    """Brings patients smoothly into the shape of one volume, both (n, n, n) HU in cubes of ``edge_mm``."""

    def __init__(self, fixed_hu: Array, edge_mm: float, settings: Round) -> None:
        self.edge_mm, self.settings = edge_mm, settings
        self.fixed = _compared(fixed_hu)
        self._count = 6 + 3 * settings.control_points**3
        side = torch.linspace(-1 + 1 / COMPARED_SIDE, 1 - 1 / COMPARED_SIDE, COMPARED_SIDE)
        self._places = torch.stack(torch.meshgrid(side, side, side, indexing="ij"))
        self._splines = torch.from_numpy(cubic_b_splines(settings.control_points, COMPARED_SIDE))

    def parameters(self, moving_hu: Array, start: Tensor | None) -> Tensor:
        """Of the most probable displacement, all of deviation 1 before the patient is seen."""
        moving = _compared(moving_hu)
        found = (torch.zeros(self._count) if start is None else start.clone()).requires_grad_(True)
        optimizer = torch.optim.LBFGS(
            [found], max_iter=self.settings.steps, history_size=10, line_search_fn="strong_wolfe"
        )

        def cost() -> Tensor:
            optimizer.zero_grad()
            grid = (self._places + self._displacement(found)).permute(1, 2, 3, 0).flip(-1)[None]
            moved = F.grid_sample(moving[None, None], grid, align_corners=False, padding_mode="border")[0, 0]
            value = 0.5 * ((moved - self.fixed) ** 2).sum() + 0.5 * (found**2).sum()
            value.backward()
            return value

        optimizer.step(cost)
        return found.detach()

    def registered(self, moving_hu: Array, parameters: Tensor) -> Array:
        """The patient (n, n, n) in HU in the shape of the fixed volume."""
        side = moving_hu.shape[0]
        coarse = self._displacement(parameters)[None]
        fine = F.interpolate(coarse, size=(side,) * 3, mode="trilinear", align_corners=False)[0]
        return deformed(moving_hu, fine.numpy() * np.float32(self.edge_mm / 2), self.edge_mm / side)

    def _displacement(self, parameters: Tensor) -> Tensor:
        """(3, m, m, m) along k, j, i in halves of the edge."""
        half, b, points = self.edge_mm / 2, self._splines, (self.settings.control_points,) * 3
        control = parameters[6:].view(3, *points) * (self.settings.deviation_mm / half)
        smooth = torch.einsum("zi,ciyx->czyx", b, torch.einsum("yj,cijx->ciyx", b, control @ b.T))
        sizes = self._places * (parameters[:3, None, None, None] * SIZE_DEVIATION)
        return smooth + sizes + parameters[3:6, None, None, None] * (PLACE_DEVIATION_MM / half)


def _compared(hu: Array) -> Tensor:
    """(m, m, m) in units of DEVIATION_HU."""
    values = np.clip(hu, LOWEST_HU, HIGHEST_HU).astype(np.float32) / np.float32(DEVIATION_HU)
    volume = Volume.axis_aligned(values, (COMPARED_SIDE / hu.shape[0],) * 3)
    return torch.from_numpy(block_mean(volume, 1.0).voxels)
