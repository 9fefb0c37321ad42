"""The X2CT generator: one or two 128x128 radiographs to a 128^3 volume."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from x2ct.connections import ConnectionA, ConnectionB, DepthConstant
from x2ct.decoder import (
    FUSION_EXTRA_CONVOLUTIONS,
    LEVEL_CHANNELS,
    VIEW_EXTRA_CONVOLUTIONS,
    DecoderLevel,
    OutputHead,
)
from x2ct.encoder import DENSE_BLOCK_DEPTHS, DenseEncoder
from x2ct.layers import averaged, initialise, scaled_channels

CONNECTION_C_AXES = ((1, 0, 2), (1, 2, 0))
"""Which of a view's (depth, row, column) axes are the cube's (inferior, posterior, left) axes.

Frontal films have columns to the patient's left, lateral films columns posterior; both rows to the feet.
"""


class ViewBranch(nn.Module):
    """Encoder, connections A and B and decoder levels of one view."""

    def __init__(self, width: float, channels: Sequence[int], dropout: float, depths: Sequence[int]) -> None:
        super().__init__()
        self.encoder = DenseEncoder(width, depths)
        self.bridge = ConnectionA(self.encoder.vector_channels, channels[0], dropout)
        self.skips = nn.ModuleList(
            ConnectionB(c_in, c_out)
            for c_in, c_out in zip(reversed(self.encoder.skip_channels), channels[1:], strict=False)
        )
        self.levels = nn.ModuleList(
            DecoderLevel(below, here, extra)
            for (below, here), extra in zip(pairwise(channels), VIEW_EXTRA_CONVOLUTIONS, strict=False)
        )

    def encode(self, image: Tensor, reduced: bool, levels: int) -> tuple[Tensor, list[Tensor | DepthConstant]]:
        """Volume at 4^3 and the 3D skips from coarse to fine, for the first ``levels`` decoder levels."""
        features, vector = self.encoder(image)
        coarse_to_fine = list(reversed(features))[:levels]
        skips = [
            skip.depth_constant(f) if reduced else skip(f) for skip, f in zip(self.skips, coarse_to_fine, strict=False)
        ]
        return self.bridge(vector), skips


class Prediction(NamedTuple):
    """Output of the generator: ``volume`` (B, 1, N, N, N), and the per-view volumes nobody uses (published form)."""

    volume: Tensor
    per_view: tuple[Tensor, ...] = ()


class X2CTGenerator(nn.Module):
    """Generator of X2CT-GAN and X2CT-CNN (Ying et al. 2019) with connections A, B and (two views) C.

    Parameters
    ----------
    views : 1 or 2
    width : multiplier of every channel count; 1.0 is the published network, 29.38 M or 61.74 M parameters.
    level_channels : channels of the 3D levels of 4^3, 8^3, .. 128^3 voxels; None: the published ones times ``width``.
        A small network does better with a decoder that is not thinned as much as the encoder. With fewer entries the
        decoder ends at a coarser level and its volume is interpolated linearly.
    dropout : in connection A, published 0.5.
    depths : layers of the five dense blocks.

    The input is (B, 1, 128, 128) per view in 0..1, bone bright; the output (B, 1, 128, 128, 128) in 0..1 for
    -1024..1476 HU with axes (inferior, posterior, left). One view: the cube's axes are (inferior, posterior, left) too.
    """

    def __init__(
        self,
        views: int = 2,
        width: float = 1.0,
        level_channels: Sequence[int] | None = None,
        dropout: float = 0.5,
        depths: Sequence[int] = DENSE_BLOCK_DEPTHS,
    ) -> None:
        super().__init__()
        if views not in (1, 2):
            raise ValueError("X2CT takes one or two views.")
        self.views = views
        channels = [scaled_channels(c, width) for c in LEVEL_CHANNELS] if level_channels is None else level_channels
        self.branches = nn.ModuleList(ViewBranch(width, channels, dropout, depths) for _ in range(views))
        self.heads = nn.ModuleList(OutputHead(channels[-1]) for _ in range(views))
        if views == 2:
            self.fusion = nn.ModuleList(
                DecoderLevel(below, here, extra)
                for (below, here), extra in zip(pairwise(channels), FUSION_EXTRA_CONVOLUTIONS, strict=False)
            )
            self.fusion_head = OutputHead(channels[-1])
        initialise(self)

    @property
    def levels(self) -> int:
        """Decoder levels; 5 end at 128^3."""
        return len(self.branches[0].levels)

    @property
    def head(self) -> OutputHead:
        """The head whose output is the result."""
        return self.fusion_head if self.views == 2 else self.heads[0]

    def forward(self, *images: Tensor) -> Tensor:
        """The volume, without dead branches and with connection B's copies folded away; equals ``published``."""
        return interpolated(self.in_cube(self.head.forward_by_slices(self.features(*images))), images[0].shape[-1])

    def in_cube(self, volume: Tensor) -> Tensor:
        """What is decoded in the only view's axes, in the cube's axes; two views are fused in them already."""
        return volume if self.views == 2 else to_cube(volume, 0)

    def published(self, *images: Tensor) -> Prediction:
        """The volume and the per-view volumes, computed as the paper describes."""
        side = images[0].shape[-1]
        fused, states = self._decode(images, self.levels, reduced=False)
        per_view = tuple(
            head(branch.levels[-1].extra(state))
            for head, branch, state in zip(self.heads, self.branches, states, strict=True)
        )
        if self.views == 1:
            return Prediction(interpolated(to_cube(per_view[0], 0), side))
        return Prediction(
            interpolated(self.fusion_head(fused), side),
            tuple(interpolated(to_cube(v, n), side) for n, v in enumerate(per_view)),
        )

    def features(self, *images: Tensor, levels: int | None = None) -> Tensor:
        """Features (B, C, N, N, N) after ``levels`` (all) decoder levels, N = 4 * 2**levels; axes as in ``in_cube``."""
        levels = self.levels if levels is None else levels
        fused, states = self._decode(images, levels, reduced=True)
        if self.views == 2:
            return fused
        return self.branches[0].levels[levels - 1].extra(states[0])

    def _decode(self, images: Sequence[Tensor], levels: int, reduced: bool) -> tuple[Tensor | None, list[Tensor]]:
        """Fused features after ``levels`` levels and, per view, the input of that level's extra convolutions.

        Connection C: the mean of both views' compressed features replaces them in both branches and is the skip of
        the fusion decoder.
        """
        encoded = [branch.encode(image, reduced, levels) for branch, image in zip(self.branches, images, strict=True)]
        states = [bridge for bridge, _ in encoded]
        fused = None
        if self.views == 2:
            fused, states = exchange(states)
        for n in range(levels):
            states = [
                branch.levels[n].joined(skips[n], state if n == 0 else branch.levels[n - 1].extra(state))
                for branch, (_, skips), state in zip(self.branches, encoded, states, strict=True)
            ]
            if self.views == 2:
                shared, states = exchange(states)
                fused = self.fusion[n].extra(self.fusion[n].joined(shared, fused))
        return fused, states


def interpolated(volume: Tensor, side: int) -> Tensor:
    """The volume (B, 1, n, n, n) at ``side``^3 voxels, trilinear."""
    if volume.shape[-1] == side:
        return volume
    return F.interpolate(volume, size=(side,) * 3, mode="trilinear", align_corners=False)


def to_cube(volume: Tensor, view: int) -> Tensor:
    """(B, C, depth, row, column) of a view to the cube's axes (inferior, posterior, left)."""
    return volume.permute(0, 1, *(axis + 2 for axis in CONNECTION_C_AXES[view]))


def to_view(volume: Tensor, view: int) -> Tensor:
    """The inverse of ``to_cube``."""
    axes = CONNECTION_C_AXES[view]
    return volume.permute(0, 1, *(axes.index(n) + 2 for n in range(3)))


def exchange(states: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """Connection C: mean of both views' features in the cube's axes, and the same in each view's axes."""
    shared = averaged(to_cube(states[0], 0), to_cube(states[1], 1))
    return shared, [to_view(shared, view) for view in (0, 1)]
