"""The lifting network: any set of films with their geometry to HU, uncertainty and tissue of every voxel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lifting.encoder import FilmEncoder
from lifting.layers import GlobalContext, Residual, doubled, packed, unpacked
from lifting.lift import Lift

TISSUES = 4
"""Air, lung, soft tissue, bone."""

OUTPUTS = 2 + TISSUES
LEAST_LOG_VARIANCE, LARGEST_LOG_VARIANCE = -10.0, 0.0
START_LOG_VARIANCE = -4.0


@dataclass(frozen=True)
class Widths:
    """Channels of the film's features at 1/2, 1/4, 1/8, 1/16 and of the volume's at 1/2, 1/4, 1/8, 1/16 of the grid."""

    film: tuple[int, int, int, int] = (16, 32, 64, 96)
    volume: tuple[int, int, int, int] = (24, 48, 96, 128)


class Prediction(NamedTuple):
    """Network values, 0..1 for -1024..1476 HU: ``mean`` and ``log_variance`` (B, 1, n, n, n), ``tissue`` logits."""

    mean: Tensor
    log_variance: Tensor
    tissue: Tensor


class LiftingNetwork(nn.Module):
    """2D features at perspective-projected voxels, fused over the views, through a 3D residual U-Net.

    The volume is a change of a start that the films already agree with (X2CTReconLib.consistent_start). ``template``
    (n, n, n) is the training patients' mean in network values. The coarse half of the network answers on half the
    grid; the fine level adds what a doubled grid can show.
    """

    def __init__(self, template: Tensor, widths: Widths = Widths()) -> None:
        super().__init__()
        fine, middle, coarse, coarsest = widths.volume
        self.register_buffer("template", template[None, None].clone())
        self.encoder = FilmEncoder(widths.film)
        self.lift_fine = Lift(widths.film[0], fine)
        self.lift_middle = Lift(widths.film[1], middle)
        self.lift_coarse = Lift(widths.film[2], coarse)
        self.down_middle, self.down_coarse = Residual(middle, 3), Residual(coarse, 3)
        self.to_coarse = nn.Conv3d(middle, coarse, 3, stride=2, padding=1)
        self.to_coarsest = nn.Conv3d(coarse, coarsest, 3, stride=2, padding=1)
        self.coarsest = nn.Sequential(
            Residual(coarsest, 3), GlobalContext(coarsest, (template.shape[0] // 16) ** 3), Residual(coarsest, 3)
        )
        self.from_coarsest, self.up_coarse = nn.Conv3d(coarsest, coarse, 1), Residual(coarse, 3)
        self.from_coarse, self.up_middle = nn.Conv3d(coarse, middle, 1), Residual(middle, 3)
        self.from_middle, self.up_fine = nn.Conv3d(middle, fine, 1), Residual(fine, 3)
        self.middle_head, self.fine_head = self._head(middle), self._head(fine)
        with torch.no_grad():
            self.middle_head[-1].bias[8:16] = START_LOG_VARIANCE

    @staticmethod
    def _head(channels: int) -> nn.Sequential:
        head = nn.Sequential(nn.GroupNorm(8, channels), nn.ReLU(), nn.Conv3d(channels, 8 * OUTPUTS, 1))
        nn.init.zeros_(head[-1].weight)
        nn.init.zeros_(head[-1].bias)
        return head

    def forward(self, films: Tensor, projections: Tensor, rays: Tensor, start: Tensor) -> Prediction:
        """One patient: films (N, 3, P, P), ``projections`` (N, 2, n, n, n), ``rays`` (N, 6, n/2, n/2, n/2), ``start``
        (1, 1, n, n, n) in network values."""
        return self.of_patients([(films, projections, rays, start)])

    def of_patients(self, patients: Sequence[tuple[Tensor, ...]], fine: bool = True) -> Prediction:
        """Several patients, each with films, projections and rays of its own number of views and a start, as a batch.

        The answer has n voxels a side; with ``fine`` false n/2, without the fine level.
        """
        films, projections, rays, start = (torch.cat(parts) for parts in zip(*patients, strict=True))
        maps = self.encoder(films)
        scales = [projections, *(F.avg_pool3d(projections, 2**n) for n in (1, 2, 3))]
        all_rays = [rays, F.avg_pool3d(rays, 2), F.avg_pool3d(rays, 4)]
        starts = [start, F.avg_pool3d(start, 2), F.avg_pool3d(start, 4)]
        templates = [self.template, F.avg_pool3d(self.template, 2), F.avg_pool3d(self.template, 4)]
        counts = [len(patient[0]) for patient in patients]

        def lifted(lift: Lift, level: int) -> Tensor:
            """Views of each patient fused, (B, C, m, m, m)."""
            per_film = (maps[level], films, scales[level + 1], scales[level], all_rays[level])
            split = zip(*(torch.split(x, counts) for x in per_film), strict=True) if len(counts) > 1 else [per_film]
            mean = packed(templates[level])
            begun = [torch.cat([packed(one), mean], dim=1) for one in starts[level].split(1)]
            return torch.cat([lift(*of_one, one) for of_one, one in zip(split, begun, strict=True)])

        middle = self.down_middle(lifted(self.lift_middle, 1))
        coarse = self.down_coarse(self.to_coarse(middle) + lifted(self.lift_coarse, 2))
        coarsest = self.coarsest(self.to_coarsest(coarse))
        coarse = self.up_coarse(coarse + doubled(self.from_coarsest(coarsest)))
        middle = self.up_middle(middle + doubled(self.from_coarse(coarse)))
        answer = unpacked(self.middle_head(middle))
        if not fine:
            return _prediction(answer, starts[1])
        x = self.up_fine(lifted(self.lift_fine, 0) + doubled(self.from_middle(middle)))
        return _prediction(doubled(answer) + unpacked(self.fine_head(x)), starts[0])


def _prediction(answer: Tensor, start: Tensor) -> Prediction:
    log_variance = answer[:, 1:2].clamp(LEAST_LOG_VARIANCE, LARGEST_LOG_VARIANCE)
    return Prediction(start + answer[:, :1], log_variance, answer[:, 2:])
