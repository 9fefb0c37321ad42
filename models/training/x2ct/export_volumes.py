"""3D layers as ONNX operators that processors are fast at.

A volume of C channels and n^3 voxels is stored as (S, C, P, L): slices along the cube's inferior axis are the batch of
a 2D image. Runtimes have fast kernels for 2D convolutions and slow ones for 3D; no axis is ever transposed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from x2ct.export_graph import OnnxGraph
from x2ct.layers import INSTANCE_NORM_EPS
from x2ct.winograd import winograd

TILE = 4
"""Output slices per tile of the minimal filtering along the slice axis."""


def norm_relu(graph: OnnxGraph, x: str, channels: int, factor: float = 1.0) -> str:
    """``factor`` times ReLU of the instance norm of a volume (S, C, P, L); factor > 0.

    ReLU(factor (x - mean) / sd) is one pass as a convolution of one weight and bias per channel.
    """
    mean = volume_mean(graph, x)
    mean_square = volume_mean(graph, graph("Mul", x, x))
    variance = graph("Relu", graph("Sub", mean_square, graph("Mul", mean, mean)))
    sd = graph("Sqrt", graph("Add", variance, graph.constant(INSTANCE_NORM_EPS)))
    gain = graph("Div", graph.constant(factor), sd)
    offset = graph("Neg", graph("Mul", mean, gain))
    weight, bias = graph.reshape(gain, channels, 1, 1, 1), graph.reshape(offset, channels)
    return graph("Relu", graph("Conv", x, weight, bias, group=channels, kernel_shape=[1, 1]))


def volume_mean(graph: OnnxGraph, x: str) -> str:
    """Mean over S, P and L, (1, C, 1, 1): axis by axis, as a runtime's plain float32 sum of millions loses digits."""
    for axis in (3, 2, 0):
        x = graph("ReduceMean", x, axes=[axis])
    return x


def convolve(graph: OnnxGraph, parts: Sequence[tuple[str, NDArray[np.float32]]], side: int) -> str:
    """Sum of 3x3x3 convolutions, zero padding 1, without bias: (S, C, P, L) each -> (S, O, P, L).

    ``parts``: volumes with their kernels (O, C, 3, 3, 3), axes S, P, L. Along S it is the minimal filtering F(4, 3) of
    2D convolutions, half the multiplications.
    """
    scheme = winograd(TILE, 3)
    products = len(scheme.input)
    tiles = side // TILE
    windows = [min(max(TILE * t + i - 1, 0), side - 1) for t in range(tiles) for i in range(products)]
    transform = np.repeat(scheme.input[None], tiles, axis=0)
    transform[0, :, 0] = 0  # the slice before the first and the one after the last are zero
    transform[-1, :, -1] = 0
    total = None
    for x, kernel in parts:
        outputs, channels = kernel.shape[:2]
        gathered = graph("Gather", x, graph.integers(*windows), axis=0)
        columns = graph.reshape(gathered, tiles, products, channels * side * side)
        tile_inputs = graph("MatMul", graph.constant(transform), columns)
        taps = graph.weight(kernel.transpose(2, 0, 1, 3, 4).reshape(3, -1))
        kernels = graph.reshape(
            graph("MatMul", graph.constant(scheme.kernel), taps), products * outputs, channels, 3, 3
        )
        images = graph.reshape(tile_inputs, tiles, products * channels, side, side)
        product = graph("Conv", images, kernels, group=products, pads=[1, 1, 1, 1], kernel_shape=[3, 3])
        total = product if total is None else graph("Add", product, total)
    columns = graph.reshape(total, tiles, products, outputs * side * side)
    return graph.reshape(graph("MatMul", graph.constant(scheme.output), columns), side, outputs, side, side)


def upsample(graph: OnnxGraph, x: str, kernel: NDArray[np.float32], side: int) -> str:
    """Transposed 3x3x3 convolution of stride 2 without bias: (S, C, P, L), ``side``^3 -> (2S, O, 2P, 2L).

    ``kernel`` (C, O, 3, 3, 3), axes S, P, L. An even output slice sees one input slice, an odd one two: both come from
    one 2D transposed convolution of a slice joined with the next, and their order in memory is the result's.
    """
    channels, outputs = kernel.shape[:2]
    zero = graph.constant(np.zeros((1, channels, side, side)))
    following = graph("Concat", graph.sliced(x, 0, 1, side), zero, axis=0)
    pairs = graph("Concat", x, following, axis=1)
    before, at, after = (graph.weight(kernel[:, :, n]) for n in range(3))
    none = graph.constant(np.zeros((channels, outputs, 3, 3)))
    here, next_slice = graph("Concat", at, after, axis=1), graph("Concat", none, before, axis=1)
    result = graph(
        "ConvTranspose",
        pairs,
        graph("Concat", here, next_slice, axis=0),
        strides=[2, 2],
        pads=[1, 1, 1, 1],
        output_padding=[1, 1],
        kernel_shape=[3, 3],
    )
    return graph.reshape(result, 2 * side, outputs, 2 * side, 2 * side)


def output_head(graph: OnnxGraph, x: str, kernel: NDArray[np.float32], bias: float, side: int) -> str:
    """ReLU of a 7x7x7 convolution to one channel: (S, C, P, L) -> (S, P, L).

    ``kernel`` (C, 7, 7, 7), axes S, P, L. Seven 2D convolutions per slice, one per tap along S, two neighbouring
    columns at a time, give 14 channels where a 3D kernel would have one; then a sum over shifted slices.
    """
    channels = kernel.shape[0]
    wide = np.zeros((7, 2, channels, 7, 8), np.float32)
    taps = kernel.transpose(1, 0, 2, 3)
    wide[:, 0, ..., :7], wide[:, 1, ..., 1:] = taps, taps
    slices = graph(
        "Conv",
        x,
        graph.weight(wide.reshape(14, channels, 7, 8)),
        strides=[1, 2],
        pads=[3, 3, 3, 3],
        kernel_shape=[7, 8],
    )
    padded = graph("Pad", slices, graph.integers(3, 0, 0, 0, 3, 0, 0, 0))
    shifted = [graph.sliced(graph.sliced(padded, 1, 2 * tap, 2 * tap + 2), 0, tap, tap + side) for tap in range(7)]
    total = shifted[0]
    for one in shifted[1:]:
        total = graph("Add", total, one)
    columns = graph("Transpose", total, perm=[0, 2, 3, 1])
    volume = graph.reshape(columns, side, side, side)
    return graph("Relu", graph("Add", volume, graph.constant(bias)))
