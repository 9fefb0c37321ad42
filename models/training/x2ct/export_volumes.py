"""3D layers as ONNX operators that processors are fast at.

A volume of C channels and n^3 voxels is stored as (S, C, P, L): slices along the cube's inferior axis are the batch of
a 2D image. Runtimes have fast kernels for 2D convolutions and slow ones for 3D; no axis is ever transposed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from x2ct.export_graph import OnnxGraph
from x2ct.export_slabs import Slabs, joined, per_slab, slab_count, window
from x2ct.layers import INSTANCE_NORM_EPS
from x2ct.winograd import TAPS, TILE, winograd


def norm_relu(graph: OnnxGraph, volume: Slabs, factor: float = 1.0) -> Slabs:
    """``factor`` times ReLU of the instance norm; factor > 0.

    ReLU(factor (x - mean) / sd) is one pass as a convolution of one weight and bias per channel.
    """
    mean = volume_mean(graph, volume)
    mean_square = volume_mean(graph, per_slab(volume, lambda x: graph("Mul", x, x)))
    variance = graph("Relu", graph("Sub", mean_square, graph("Mul", mean, mean)))
    sd = graph("Sqrt", graph("Add", variance, graph.constant(INSTANCE_NORM_EPS)))
    gain = graph("Div", graph.constant(factor), sd)
    offset = graph("Neg", graph("Mul", mean, gain))
    channels = volume.channels
    weight, bias = graph.reshape(gain, channels, 1, 1, 1), graph.reshape(offset, channels)
    return per_slab(
        volume, lambda x: graph("Relu", graph("Conv", x, weight, bias, group=channels, kernel_shape=[1, 1]))
    )


def volume_mean(graph: OnnxGraph, volume: Slabs) -> str:
    """Mean over S, P and L, (1, C, 1, 1): axis by axis, as a runtime's plain float32 sum of millions loses digits."""
    means = per_slab(volume, lambda x: graph("ReduceMean", graph("ReduceMean", x, axes=[3]), axes=[2]))
    return graph("ReduceMean", joined(graph, means), axes=[0])


def convolve(graph: OnnxGraph, parts: Sequence[tuple[Slabs, NDArray[np.float32]]]) -> Slabs:
    """Sum of 3x3x3 convolutions, zero padding 1, without bias.

    ``parts``: volumes of one size with their kernels (O, C, 3, 3, 3), axes S, P, L. Along S it is the minimal filtering
    F(4, 3) of 2D convolutions, half the multiplications.
    """
    scheme = winograd()
    products, outputs, side = len(scheme.input), len(parts[0][1]), parts[0][0].side
    kernels = [_transformed_kernel(graph, kernel) for _, kernel in parts]
    count = slab_count(outputs, side)
    depth = side // count
    tiles = depth // TILE
    windows = graph.integers(*(TILE * t + i for t in range(tiles) for i in range(products)))
    slabs = []
    for start in range(0, side, depth):
        total = ""
        for (volume, _), kernel in zip(parts, kernels, strict=True):
            slices = graph("Gather", window(graph, volume, start - 1, start + depth + 1), windows, axis=0)
            columns = graph.reshape(slices, tiles, products, volume.channels * side**2)
            columns = graph("MatMul", graph.constant(scheme.input), columns)
            images = graph.reshape(columns, tiles, products * volume.channels, side, side)
            product = graph("Conv", images, kernel, group=products, pads=[1, 1, 1, 1], kernel_shape=[3, 3])
            total = graph("Add", product, total) if total else product
        columns = graph.reshape(total, tiles, products, outputs * side**2)
        slabs.append(graph.reshape(graph("MatMul", graph.constant(scheme.output), columns), depth, outputs, side, side))
    return Slabs(tuple(slabs), outputs, side)


def _transformed_kernel(graph: OnnxGraph, kernel: NDArray[np.float32]) -> str:
    """(O, C, 3, 3, 3) -> (products * O, C, 3, 3), from the stored taps, folded when the graph is loaded."""
    outputs, channels = kernel.shape[:2]
    transform = winograd().kernel
    taps = graph.weight(kernel.transpose(2, 0, 1, 3, 4).reshape(TAPS, -1))
    return graph.reshape(graph("MatMul", graph.constant(transform), taps), len(transform) * outputs, channels, 3, 3)


def upsample(graph: OnnxGraph, volume: Slabs, kernel: NDArray[np.float32]) -> Slabs:
    """Transposed 3x3x3 convolution of stride 2 without bias, to twice the side.

    ``kernel`` (C, O, 3, 3, 3), axes S, P, L. An even output slice sees one input slice, an odd one two: both come from
    one 2D transposed convolution of a slice joined with the next, and their order in memory is the result's.
    """
    channels, outputs = kernel.shape[:2]
    before, at, after = (graph.weight(kernel[:, :, n]) for n in range(3))
    none = graph.zeros(channels, outputs, 3, 3)
    here, following = graph("Concat", at, after, axis=1), graph("Concat", none, before, axis=1)
    both = graph("Concat", here, following, axis=0)
    side = 2 * volume.side
    depth = side // slab_count(outputs, side)
    slabs = []
    for start in range(0, volume.side, depth // 2):
        stop = start + depth // 2
        slices, next_slices = window(graph, volume, start, stop), window(graph, volume, start + 1, stop + 1)
        result = graph(
            "ConvTranspose",
            graph("Concat", slices, next_slices, axis=1),
            both,
            strides=[2, 2],
            pads=[1, 1, 1, 1],
            output_padding=[1, 1],
            kernel_shape=[3, 3],
        )
        slabs.append(graph.reshape(result, depth, outputs, side, side))
    return Slabs(tuple(slabs), outputs, side)


def output_head(graph: OnnxGraph, volume: Slabs, kernel: NDArray[np.float32], bias: float) -> str:
    """ReLU of a 7x7x7 convolution to one channel, (S, P, L).

    ``kernel`` (C, 7, 7, 7), axes S, P, L. Seven 2D convolutions per slice, one per tap along S, two neighbouring
    columns at a time, give 14 channels where a 3D kernel would have one; then a sum over shifted slices.
    """
    channels, side = volume.channels, volume.side
    wide = np.zeros((7, 2, channels, 7, 8), np.float32)
    taps = kernel.transpose(1, 0, 2, 3)
    wide[:, 0, ..., :7], wide[:, 1, ..., 1:] = taps, taps
    weight = graph.weight(wide.reshape(14, channels, 7, 8))
    slices = per_slab(
        volume, lambda x: graph("Conv", x, weight, strides=[1, 2], pads=[3, 3, 3, 3], kernel_shape=[7, 8])
    )
    padded = graph("Pad", joined(graph, slices), graph.integers(3, 0, 0, 0, 3, 0, 0, 0))
    total = ""
    for tap in range(7):
        shifted = graph.sliced(graph.sliced(padded, 1, 2 * tap, 2 * tap + 2), 0, tap, tap + side)
        total = graph("Add", total, shifted) if total else shifted
    columns = graph("Transpose", total, perm=[0, 2, 3, 1])
    return graph("Relu", graph("Add", graph.reshape(columns, side, side, side), graph.constant(bias)))
