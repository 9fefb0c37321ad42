"""A start for the finest decoder level: hand through what the level below knows, fit the output head in closed form.

From random weights the level at 128^3, the most expensive one, spends most of its iterations on learning to upsample.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from x2ct.generator import X2CTGenerator, to_view
from x2ct.synthesis import Sample

HEAD_TAPS = 7
VOXELS_PER_SAMPLE = 6000
RIDGE = 1e-4
"""Of the mean diagonal of the normal matrix."""


@torch.no_grad()
def hand_through(generator: X2CTGenerator, coarse_head: nn.Conv3d) -> None:
    """Set the finest level to carry the signals that ``coarse_head`` reads, linearly interpolated.

    The head's kernel (1, C, 3, 3, 3) is split by singular values into signals u_r . features; each is carried as a
    pair of channels (+, -), which instance norm and ReLU leave intact: ReLU(n) - ReLU(-n) = n. Channels left over keep
    their weights and are free for what the skips add.
    """
    level = generator.fusion[-1] if generator.views == 2 else generator.branches[0].levels[-1]
    signals = (level.channels - 2) // 2
    directions = torch.linalg.svd(coarse_head.weight[0].flatten(1), full_matrices=False).U[:, :signals]
    _interpolate(level.upsample.conv, directions)
    _pass_pairs(level.compress, signals, first=level.channels)
    for extra in level.extra:
        _pass_pairs(extra.conv, signals, first=0)


def _interpolate(conv: nn.ConvTranspose3d, directions: Tensor) -> None:
    """Channels 2r and 2r + 1: plus and minus the linear interpolation of direction r."""
    line = torch.tensor([0.5, 1.0, 0.5])
    kernel = torch.einsum("a,b,c->abc", line, line, line)
    for r in range(directions.shape[1]):
        for channel, sign in ((2 * r, 1.0), (2 * r + 1, -1.0)):
            conv.weight[:, channel] = sign * directions[:, r, None, None, None] * kernel
            conv.bias[channel] = 0.0


def _pass_pairs(conv: nn.Conv3d, signals: int, first: int) -> None:
    """Output pairs equal the input pairs that begin at channel ``first``: + is (+) - (-), - its negative."""
    for r in range(signals):
        for channel, sign in ((2 * r, 1.0), (2 * r + 1, -1.0)):
            conv.weight[channel] = 0.0
            conv.bias[channel] = 0.0
            conv.weight[channel, first + 2 * r, 1, 1, 1] = sign
            conv.weight[channel, first + 2 * r + 1, 1, 1, 1] = -sign


@torch.no_grad()
def fit_head(generator: X2CTGenerator, samples: Iterable[Sample], seed: int = 0) -> float:
    """Output head by ridge regression over random voxels of the samples; returns the root mean square error (0..1)."""
    rng = np.random.default_rng(seed)
    conv = generator.head.conv
    size = conv.weight.numel() + 1
    normal, right = torch.zeros(size, size, dtype=torch.double), torch.zeros(size, dtype=torch.double)
    energy = count = 0.0
    for sample in samples:
        features, target, weight = _head_problem(generator, sample)
        at = torch.from_numpy(rng.integers(0, target.shape[0], (VOXELS_PER_SAMPLE, 3)))
        rows = _patches(features, at)
        k, j, i = at.unbind(1)
        share, wanted = weight[k, j, i], target[k, j, i]
        weighted = rows * share[:, None]
        normal += (rows.T @ weighted).double()
        right += (weighted.T @ wanted).double()
        energy += float((share * wanted.square()).sum())
        count += float(share.sum())
    ridge = RIDGE * normal.diagonal().mean() * torch.eye(size, dtype=torch.double)
    solution = torch.linalg.solve(normal + ridge, right)
    conv.weight.copy_(solution[:-1].view_as(conv.weight))
    conv.bias.copy_(solution[-1:])
    error = energy - 2 * float(solution @ right) + float(solution @ normal @ solution)
    return max(0.0, error / max(count, 1.0)) ** 0.5


def _head_problem(generator: X2CTGenerator, sample: Sample) -> tuple[Tensor, Tensor, Tensor]:
    """Features (C, N, N, N), target and weight (N, N, N), in the axes that the head works in."""
    films = [torch.from_numpy(film)[None, None] for film in sample.films]
    with torch.autocast("cpu", torch.bfloat16):
        features = generator.features(*films)[0].float()
    target, weight = (torch.from_numpy(x)[None, None] for x in (sample.volume, sample.weight))
    if generator.views == 1:
        target, weight = to_view(target, 0), to_view(weight, 0)
    return features, target[0, 0], weight[0, 0]


def _patches(features: Tensor, at: Tensor) -> Tensor:
    """Rows (points, C * 7^3 + 1): the head's window around each point and a constant."""
    reach = HEAD_TAPS // 2
    padded = F.pad(features, (reach,) * 6)
    taps = torch.arange(HEAD_TAPS)
    k, j, i = (at[:, n, None, None, None] for n in range(3))
    windows = padded[:, k + taps[:, None, None], j + taps[:, None], i + taps]
    rows = windows.permute(1, 0, 2, 3, 4).flatten(1)
    return torch.cat([rows, torch.ones(rows.shape[0], 1)], dim=1)
