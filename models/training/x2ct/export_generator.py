"""The whole X2CT generator as one ONNX graph, algebraically equal to the published network."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from torch import Tensor

from x2ct.connections import BOTTLENECK_SIDE
from x2ct.decoder import DecoderLevel
from x2ct.export_graph import OnnxGraph
from x2ct.export_views import array, bridge, depth_constant_skip, encode, skip_contribution
from x2ct.export_volumes import convolve, norm_relu, output_head, upsample
from x2ct.generator import CONNECTION_C_AXES, X2CTGenerator

FILM_SIDE = 128
INPUT_NAMES = ("frontal", "lateral")
OUTPUT_NAME = "volume"
CUBE_AXES = (0, 1, 2)


def onnx_generator(
    generator: X2CTGenerator, *, half_weights: bool = True, metadata: dict[str, str] | None = None
) -> onnx.ModelProto:
    """Inputs ``frontal`` (and ``lateral``) (1, 1, 128, 128), output ``volume`` (1, 1, 128, 128, 128) in cube axes.

    Left out, because the result does not depend on it: the per-view heads and last per-view convolutions, dropout and
    every bias that an instance norm removes. Rearranged: connection B (2D instead of 3D), the convolutions of joined
    tensors (split by input), every 3x3x3 convolution (minimal filtering along one axis), the output convolution.
    """
    graph = OnnxGraph(half_weights=half_weights)
    films = [graph.input(name, (1, 1, FILM_SIDE, FILM_SIDE)) for name in INPUT_NAMES[: generator.views]]
    decoder = _GraphDecoder(graph, generator, films)
    features, axes = decoder.two_views() if generator.views == 2 else decoder.one_view()
    kernel = in_cube_axes(generator.head.conv.weight, axes)[0]
    volume = output_head(graph, features, kernel, float(generator.head.conv.bias.detach()), FILM_SIDE)
    shape = (1, 1, FILM_SIDE, FILM_SIDE, FILM_SIDE)
    graph.output(OUTPUT_NAME, graph.reshape(volume, *shape), shape)
    return graph.model("X2CT", metadata or {})


def in_cube_axes(kernel: Tensor, axes: tuple[int, int, int]) -> NDArray[np.float32]:
    """A 3D kernel (O, C, a, b, c) of a view's (depth, row, column) with its last axes along S, P, L."""
    return array(kernel).transpose(0, 1, *(axis + 2 for axis in axes))


class _GraphDecoder:
    """The decoder levels, in the cube's axes for every view."""

    def __init__(self, graph: OnnxGraph, generator: X2CTGenerator, films: list[str]) -> None:
        self.graph = graph
        self.generator = generator
        self.states: list[str] = []
        self.skips: list[list[str]] = []
        for branch, film, axes in zip(generator.branches, films, CONNECTION_C_AXES, strict=False):
            features, vector = encode(graph, branch.encoder, film, FILM_SIDE)
            self.states.append(bridge(graph, branch.bridge, vector, axes))
            sides = [BOTTLENECK_SIDE << (n + 1) for n in range(len(branch.skips))]
            self.skips.append(
                [
                    depth_constant_skip(graph, connection, feature, side)
                    for connection, feature, side in zip(branch.skips, reversed(features), sides, strict=True)
                ]
            )

    def one_view(self) -> tuple[str, tuple[int, int, int]]:
        """Features before the head, and the axes its kernel is in."""
        axes, (state,) = CONNECTION_C_AXES[0], self.states
        branch = self.generator.branches[0]
        for n, level in enumerate(branch.levels):
            state = self._view_level(0, n, state, factor=1.0)
            state = self._extra(level, state, _side(n), axes)
        return state, axes

    def two_views(self) -> tuple[str, tuple[int, int, int]]:
        """Fused features before the head; connection C averages both views after every joining convolution."""
        graph, half = self.graph, self.graph.constant(0.5)
        shared = graph("Mul", graph("Add", *self.states), half)
        fused = shared
        for n, level in enumerate(self.generator.fusion):
            views = []
            for view, branch in enumerate(self.generator.branches):
                state = shared
                if n > 0:
                    state = self._extra(branch.levels[n - 1], shared, _side(n - 1), CONNECTION_C_AXES[view])
                views.append(self._view_level(view, n, state, factor=0.5))
            shared = graph("Add", *views)
            fused = self._fusion_level(level, n, shared, fused)
        return fused, CUBE_AXES

    def _view_level(self, view: int, n: int, below: str, factor: float) -> str:
        graph, axes, side = self.graph, CONNECTION_C_AXES[view], _side(n)
        level = self.generator.branches[view].levels[n]
        up = self._upsampled(level, below, side, axes)
        kernel = array(level.compress.weight)
        from_skip, from_below = kernel[:, : level.channels], kernel[:, level.channels :]
        joined = convolve(graph, [(up, from_below.transpose(0, 1, *(axis + 2 for axis in axes)))], side)
        skip = skip_contribution(graph, self.skips[view][n], from_skip, axes, side)
        return norm_relu(graph, graph("Add", joined, skip), level.channels, factor)

    def _fusion_level(self, level: DecoderLevel, n: int, shared: str, below: str) -> str:
        side = _side(n)
        up = self._upsampled(level, below, side, CUBE_AXES)
        kernel = array(level.compress.weight)
        parts = [(shared, kernel[:, : level.channels]), (up, kernel[:, level.channels :])]
        joined = norm_relu(self.graph, convolve(self.graph, parts, side), level.channels)
        return self._extra(level, joined, side, CUBE_AXES)

    def _upsampled(self, level: DecoderLevel, below: str, side: int, axes: tuple[int, int, int]) -> str:
        kernel = in_cube_axes(level.upsample.conv.weight, axes)
        return norm_relu(self.graph, upsample(self.graph, below, kernel, side // 2), level.channels)

    def _extra(self, level: DecoderLevel, x: str, side: int, axes: tuple[int, int, int]) -> str:
        for layer in level.extra:
            kernel = in_cube_axes(layer.conv.weight, axes)
            x = norm_relu(self.graph, convolve(self.graph, [(x, kernel)], side), level.channels)
        return x


def _side(level: int) -> int:
    return BOTTLENECK_SIDE << (level + 1)
