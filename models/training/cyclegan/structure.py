"""What a transfer does to the structures of a film, whatever it does to their tones."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

WINDOW_PX = 9
FAINTEST = 0.01
"""Standard deviation of grey values (0..1) below which a neighbourhood shows no structure."""
TINY = 1e-15
"""Keeps the root's slope finite."""


def structure_change(film: Tensor, transferred: Tensor) -> Tensor:
    """Mean of 1 - the local correlation of two films (B, 1, rows, columns) over neighbourhoods: 0 where only tone and
    contrast changed, 2 where all is inverted."""
    one, other = film - _mean(film), transferred - _mean(transferred)
    contrasts = (_mean(one.square()) * _mean(other.square()) + TINY).sqrt()
    return 1 - ((_mean(one * other) + FAINTEST**2) / (contrasts + FAINTEST**2)).mean()


def _mean(film: Tensor) -> Tensor:
    return F.avg_pool2d(film, WINDOW_PX, 1, WINDOW_PX // 2, count_include_pad=False)
