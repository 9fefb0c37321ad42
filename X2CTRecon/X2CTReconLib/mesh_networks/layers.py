"""Building blocks of the mesh networks: graph convolutions and image encoders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from XRayLib.preparation.layers import ConvolutionPair, normalisation

from X2CTReconLib.mesh_networks.graph import Graph

VGG_CONVOLUTIONS = (2, 2, 3, 3, 3)
VGG_WIDTHS = (1, 2, 4, 8, 8)


class NeighbourMean(nn.Module):
    """The product with D^-1 (A + I) of a graph: sparse where it is trained, gathered in exported graphs."""

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self.shape = graph.neighbours.shape
        real = graph.weights > 0
        columns = graph.neighbours[real]
        parts = {
            "neighbours": graph.neighbours.ravel(),
            "weights": graph.weights[None, :, :, None],
            "row_ends": np.concatenate([[0], np.cumsum(real.sum(axis=1))]),
            "columns": columns,
            "values": graph.weights[real],
            # A is symmetric: the transpose has the same places, and the columns' weights.
            "values_transposed": graph.weights[columns, 0],
        }
        for name, values in parts.items():
            self.register_buffer(name, torch.from_numpy(values), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, V, C) -> (N, V, C)."""
        if not torch.jit.is_tracing():
            return _SparseProduct.apply(x, self.row_ends, self.columns, self.values, self.values_transposed)
        gathered = torch.index_select(x, 1, self.neighbours).reshape(-1, *self.shape, x.shape[2])
        return (gathered * self.weights).sum(dim=2)


class _SparseProduct(torch.autograd.Function):
    """A matrix in compressed rows times each of a batch of (V, C); several times as fast as gathering, both ways."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, row_ends: Tensor, columns: Tensor, values: Tensor, transposed: Tensor) -> Tensor:
        ctx.save_for_backward(row_ends, columns, transposed)
        return _times(row_ends, columns, values, x)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, ...]:
        return _times(*ctx.saved_tensors, slope), None, None, None, None


def _times(row_ends: Tensor, columns: Tensor, values: Tensor, x: Tensor) -> Tensor:
    films, vertices, channels = x.shape
    matrix = torch.sparse_csr_tensor(row_ends, columns, values, (vertices, vertices), check_invariants=False)
    side_by_side = x.transpose(0, 1).reshape(vertices, films * channels)
    return (matrix @ side_by_side).reshape(vertices, films, channels).transpose(0, 1)


class GraphConvolution(nn.Module):
    """D^-1 (A + I) X W + b (Kipf and Welling, ICLR 2017)."""

    def __init__(self, channels_in: int, channels: int, mean: NeighbourMean) -> None:
        super().__init__()
        self.linear = nn.Linear(channels_in, channels)
        self.mean = mean

    def forward(self, x: Tensor) -> Tensor:
        """(N, V, channels_in) -> (N, V, channels)."""
        return self.mean(self.linear(x))


class GraphStack(nn.Module):
    """Graph convolutions with ReLU; every second averages with what went in two layers before (IGCN+'s skips).

    The last, linear layer starts near zero: an untrained network leaves the template as it is.
    """

    def __init__(self, channels_in: int, channels: int, layers: int, channels_out: int, graph: Graph) -> None:
        super().__init__()
        mean = NeighbourMean(graph)
        self.first = GraphConvolution(channels_in, channels, mean)
        self.inner = nn.ModuleList(GraphConvolution(channels, channels, mean) for _ in range(layers - 2))
        self.last = nn.Linear(channels, channels_out)
        nn.init.normal_(self.last.weight, std=1e-3)
        nn.init.zeros_(self.last.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(N, V, channels_in) -> (N, V, channels_out)."""
        return self.last(self.hidden(x))

    def hidden(self, x: Tensor) -> Tensor:
        """(N, V, channels): before the last layer."""
        x = skipped = torch.relu(self.first(x))
        for number, layer in enumerate(self.inner, 1):
            x = torch.relu(layer(x))
            if number % 2 == 0:
                x = skipped = 0.5 * (x + skipped)
        return x


class VggFeatures(nn.Module):
    """The convolutions of VGG-16 (Simonyan and Zisserman, 2015), ``width`` for its 64, with GroupNorm: no pretraining.

    Gives the last features of the chosen blocks (0 to 4), which have 1, 1/2, 1/4, 1/8 and 1/16 of the pixels per side.
    """

    def __init__(self, channels_in: int, width: int, blocks: Sequence[int]) -> None:
        super().__init__()
        self.chosen = tuple(blocks)
        self.channels = sum(width * VGG_WIDTHS[n] for n in blocks)
        self.last_channels = width * VGG_WIDTHS[max(blocks)]
        self.blocks = nn.ModuleList()
        channels = channels_in
        for convolutions, factor in list(zip(VGG_CONVOLUTIONS, VGG_WIDTHS, strict=True))[: max(blocks) + 1]:
            layers: list[nn.Module] = []
            for _ in range(convolutions):
                layers += [
                    nn.Conv2d(channels, factor * width, 3, padding=1, bias=False),
                    normalisation(factor * width),
                    nn.ReLU(inplace=True),
                ]
                channels = factor * width
            self.blocks.append(nn.Sequential(*layers))
        self.pool = nn.MaxPool2d(2)

    def forward(self, image: Tensor) -> list[Tensor]:
        """(N, channels_in, side, side) -> features of the chosen blocks."""
        found = []
        for number, block in enumerate(self.blocks):
            image = block(image if number == 0 else self.pool(image))
            if number in self.chosen:
                found.append(image)
        return found


class UNet(nn.Module):
    """U-Net (Ronneberger et al., MICCAI 2015) of ``levels`` levels, ``width`` channels at the first."""

    def __init__(self, channels_in: int, width: int, levels: int, channels_out: int) -> None:
        super().__init__()
        channels = [width * 2**n for n in range(levels)]
        self.down = nn.ModuleList(
            ConvolutionPair(before, here) for before, here in zip([channels_in, *channels], channels, strict=False)
        )
        self.raise_ = nn.ModuleList(nn.ConvTranspose2d(2 * c, c, 2, stride=2) for c in channels[-2::-1])
        self.up = nn.ModuleList(ConvolutionPair(2 * c, c) for c in channels[-2::-1])
        self.pool = nn.MaxPool2d(2)
        self.answer = nn.Conv2d(width, channels_out, 1)
        nn.init.normal_(self.answer.weight, std=1e-2)
        nn.init.zeros_(self.answer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels_in, side, side) -> (N, channels_out, side, side); ``side`` divisible by 2^(levels - 1)."""
        kept = []
        for number, level in enumerate(self.down):
            x = level(x if number == 0 else self.pool(x))
            kept.append(x)
        for raise_, level, skip in zip(self.raise_, self.up, kept[-2::-1], strict=True):
            x = level(torch.cat([skip, raise_(x)], dim=1))
        return self.answer(x)
