"""The 2D half of the generator as ONNX operators: encoder, connections A and B."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from x2ct.connections import BOTTLENECK_SIDE, ConnectionA, ConnectionB
from x2ct.encoder import DenseEncoder, DownStage2d
from x2ct.export_graph import OnnxGraph
from x2ct.export_slabs import Slabs, slab_count
from x2ct.layers import INSTANCE_NORM_EPS

LARGEST_PLAIN_NORM = 32
"""Side of the largest image whose mean a runtime's own instance norm gets right to float32 rounding."""

SLICES_OF_CONSTANT = np.array([[0, 1, 1], [1, 1, 1], [1, 1, 0]], np.float32)
"""Depth taps (before, at, after) that meet a depth-constant volume in its first, an interior and its last slice."""
SLICES_OF_DEPTH_CONSTANT = np.array(
    [
        *([0, 1, 0], [0, 0, 1], [0, 0, 0]),  # depth 0: weights on its first, interior and last slice
        *([1, 0, 0], [0, 1, 1], [0, 0, 0]),  # depth 1
        *([0, 0, 0], [1, 1, 1], [0, 0, 0]),  # depth 2 .. N - 3
        *([0, 0, 0], [1, 1, 0], [0, 0, 1]),  # depth N - 2
        *([0, 0, 0], [1, 0, 0], [0, 1, 0]),  # depth N - 1
    ],
    np.float32,
)
"""The same for a volume whose first and last slice differ from the interior: five distinct slices of the result."""


def array(weight: Tensor) -> NDArray[np.float32]:
    """A parameter as an array."""
    return weight.detach().float().cpu().numpy()


def norm_relu_2d(graph: OnnxGraph, x: str, channels: int, side: int) -> str:
    """ReLU of the instance norm of an image (1, C, side, side)."""
    if side <= LARGEST_PLAIN_NORM:
        ones, zeros = graph.constant(np.ones(channels)), graph.constant(np.zeros(channels))
        return graph("Relu", graph("InstanceNormalization", x, ones, zeros, epsilon=INSTANCE_NORM_EPS))
    centred = graph("Sub", x, image_mean(graph, x))
    variance = image_mean(graph, graph("Mul", centred, centred))
    sd = graph("Sqrt", graph("Add", variance, graph.constant(INSTANCE_NORM_EPS)))
    return graph("Relu", graph("Div", centred, sd))


def image_mean(graph: OnnxGraph, x: str) -> str:
    """Mean over rows and columns: (N, C, H, W) -> (N, C, 1, 1), axis by axis as in ``volume_mean``."""
    return graph("ReduceMean", graph("ReduceMean", x, axes=[3]), axes=[2])


def encode(graph: OnnxGraph, encoder: DenseEncoder, image: str, side: int) -> tuple[list[str], str]:
    """(1, 1, side, side) -> features at side .. side / 16 and the (1, vector_channels) mean of the last stage."""
    stem = encoder.stem[1]
    padded = graph("Pad", image, graph.integers(0, 0, 3, 3, 0, 0, 3, 3), mode="reflect")
    x = graph("Conv", padded, graph.weight(array(stem.weight)), kernel_shape=[7, 7])
    features = [norm_relu_2d(graph, x, stem.out_channels, side)]
    for n, stage in enumerate(encoder.stages[:-1]):
        features.append(_transition(graph, stage, features[-1], side >> n))
    last = len(encoder.stages) - 1
    blocks = _dense_block(graph, encoder.stages[-1], features[-1], side >> last)[0]
    means = [graph.reshape(image_mean(graph, block), 1, -1) for block in blocks]
    return features, graph("Concat", *means, axis=1)


def _transition(graph: OnnxGraph, stage: DownStage2d, x: str, side: int) -> str:
    _, active = _dense_block(graph, stage, x, side)
    convolution = stage.transition
    return graph("Conv", active, graph.weight(array(convolution.weight)), graph.constant(array(convolution.bias)))


def _dense_block(graph: OnnxGraph, stage: DownStage2d, x: str, side: int) -> tuple[list[str], str]:
    """The block's raw feature maps, and ReLU of the instance norm of all of them joined; ``side`` is the input's.

    The norm acts on each channel alone, so every map is normalised once and not again by every later layer.
    """
    down = stage.down
    raw = graph(
        "Conv",
        norm_relu_2d(graph, x, down.in_channels, side),
        graph.weight(array(down.weight)),
        graph.constant(array(down.bias)),
        strides=[2, 2],
        pads=[1, 1, 1, 1],
    )
    side //= 2
    maps, active = [raw], norm_relu_2d(graph, raw, down.out_channels, side)
    for layer in stage.dense:
        narrow = graph("Conv", active, graph.weight(array(layer.bottleneck.weight)))
        narrow = norm_relu_2d(graph, narrow, layer.bottleneck.out_channels, side)
        weight, bias = graph.weight(array(layer.conv.weight)), graph.constant(array(layer.conv.bias))
        maps.append(graph("Conv", narrow, weight, bias, pads=[1, 1, 1, 1]))
        active = graph("Concat", active, norm_relu_2d(graph, maps[-1], layer.conv.out_channels, side), axis=1)
    return maps, active


def bridge(graph: OnnxGraph, connection: ConnectionA, vector: str, axes: tuple[int, int, int]) -> Slabs:
    """Connection A: (1, V) -> a volume of 4^3 voxels; ``axes``: which of (depth, row, column) are S, P, L."""
    side, channels = BOTTLENECK_SIDE, connection.channels
    weight = array(connection.linear.weight).reshape(channels, side, side, side, -1)
    bias = array(connection.linear.bias).reshape(channels, side, side, side)
    order = (axes[0] + 1, 0, axes[1] + 1, axes[2] + 1)
    weight = weight.transpose(*order, 4).reshape(channels * side**3, -1)
    stored, offset = graph.weight(weight.T), graph.constant(bias.transpose(order).ravel())
    flat = graph("Relu", graph("Add", graph("MatMul", vector, stored), offset))
    return Slabs((graph.reshape(flat, side, channels, side, side),), channels, side)


def depth_constant_skip(graph: OnnxGraph, connection: ConnectionB, features: str, depth: int) -> str:
    """Connection B as its three distinct depth slices (first, interior, last): (1, in, N, N) -> (1, 3 C, N, N).

    A 3x3x3 convolution of a depth-constant volume differs from slice to slice only where the zero padding begins. The
    instance norm's statistics are those of the whole volume, the interior slice counting ``depth`` - 2 times. Biases
    are left out: the norm removes them.
    """
    channels = connection.conv.out_channels
    compressed = graph("Conv", features, graph.weight(array(connection.compress.weight)))
    flat = norm_relu_2d(graph, compressed, channels, depth)
    kernel = _combined_taps(graph, array(connection.conv.weight), SLICES_OF_CONSTANT)
    slices = graph("Conv", flat, graph.reshape(kernel, 3 * channels, channels, 3, 3), pads=[1, 1, 1, 1])
    slices = graph.reshape(slices, 3, channels, depth, depth)
    share = graph.constant((np.array([1, depth - 2, 1]) / depth).reshape(3, 1, 1, 1))
    mean = graph("ReduceSum", graph("Mul", image_mean(graph, slices), share), graph.integers(0))
    centred = graph("Sub", slices, mean)
    square = image_mean(graph, graph("Mul", centred, centred))
    variance = graph("ReduceSum", graph("Mul", square, share), graph.integers(0))
    sd = graph("Sqrt", graph("Add", variance, graph.constant(INSTANCE_NORM_EPS)))
    return graph.reshape(graph("Relu", graph("Div", centred, sd)), 1, 3 * channels, depth, depth)


def skip_contribution(
    graph: OnnxGraph, slices: str, kernel: NDArray[np.float32], axes: tuple[int, int, int], side: int
) -> Slabs:
    """3x3x3 convolution of a depth-constant volume.

    ``slices`` (1, 3 C, N, N) from ``depth_constant_skip``, ``kernel`` (O, C, 3, 3, 3) with axes depth, row, column.
    Five depth slices are distinct: one 2D convolution, then copies. ``axes`` as in ``bridge``; rows must run along S.
    """
    if axes[0] != 1:
        raise ValueError("The rows of every film must run along the cube's first axis.")
    outputs, channels = kernel.shape[:2]
    taps = graph.reshape(_combined_taps(graph, kernel, SLICES_OF_DEPTH_CONSTANT), 5, 3, outputs, channels * 9)
    taps = graph.reshape(graph("Transpose", taps, perm=[0, 2, 1, 3]), 5 * outputs, 3 * channels, 3, 3)
    distinct = graph.reshape(graph("Conv", slices, taps, pads=[1, 1, 1, 1]), 5, outputs, side, side)
    which = [0, 1, *[2] * (side - 4), 3, 4]
    along_p = axes[1] == 0
    by_depth = graph("Transpose", distinct, perm=[2, 1, 0, 3] if along_p else [2, 1, 3, 0])
    depth = side // slab_count(outputs, side)
    rows = (graph.sliced(by_depth, 0, start, start + depth) for start in range(0, side, depth))
    if along_p:
        copies = [graph("Gather", row, graph.integers(*which), axis=2) for row in rows]
    else:
        copies = [graph("MatMul", row, graph.constant(np.eye(5)[:, which])) for row in rows]
    return Slabs(tuple(copies), outputs, side)


def _combined_taps(graph: OnnxGraph, kernel: NDArray[np.float32], combinations: NDArray[np.float32]) -> str:
    """Sums of a kernel's three depth taps, (rows of ``combinations``, O * C * 9): folded when the graph is loaded.

    The graph stores the taps themselves, so that rounding them to half precision is all that storage changes.
    """
    taps = graph.weight(kernel.transpose(2, 0, 1, 3, 4).reshape(3, -1))
    return graph("MatMul", graph.constant(combinations), taps)
