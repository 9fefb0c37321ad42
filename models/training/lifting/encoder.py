"""Features of one film at several scales, shared by all views."""

from __future__ import annotations

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn
from X2CTReconLib.lifted_views import FILM_CHANNELS

from lifting.layers import Residual


class FilmEncoder(nn.Module):
    """A residual network down to 1/16 of the film and up again: fine features know what is around them.

    ``channels`` at 1/2, 1/4, 1/8 and 1/16 of the film's pixels; the first three are returned.
    """

    def __init__(self, channels: tuple[int, int, int, int]) -> None:
        super().__init__()
        self.stem = nn.Conv2d(FILM_CHANNELS, channels[0], 5, stride=2, padding=2)
        self.down_blocks = nn.ModuleList(Residual(c, 2) for c in channels)
        self.downs = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairwise(channels))
        self.whole_film = nn.Linear(channels[3], channels[3])
        self.ups = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairwise(channels))
        self.up_blocks = nn.ModuleList(Residual(c, 2) for c in channels[:3])

    def forward(self, films: Tensor) -> list[Tensor]:
        """(N, 3, P, P) -> features (N, C, P/2, P/2), (N, C, P/4, P/4), (N, C, P/8, P/8)."""
        levels = [self.down_blocks[0](self.stem(films))]
        for down, block in zip(self.downs, self.down_blocks[1:], strict=True):
            levels.append(block(down(levels[-1])))
        x = levels[3] + self.whole_film(levels[3].mean(dim=(2, 3)))[:, :, None, None]
        found = []
        for level in (2, 1, 0):
            up = F.interpolate(self.ups[level](x), scale_factor=2, mode="bilinear", align_corners=False)
            x = self.up_blocks[level](levels[level] + up)
            found.append(x)
        return found[::-1]
