"""The whole X2CT generator as one ONNX graph, algebraically equal to the published network."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from torch import Tensor

from x2ct.connections import BOTTLENECK_SIDE
from x2ct.decoder import DecoderLevel
from x2ct.export_graph import OnnxGraph
from x2ct.export_slabs import Slabs, added, per_slab
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
    volume = output_head(graph, features, kernel, float(generator.head.conv.bias.detach()))
    shape = (1, 1, FILM_SIDE, FILM_SIDE, FILM_SIDE)
    volume = graph.reshape(volume, 1, 1, features.side, features.side, features.side)
    if features.side < FILM_SIDE:
        scales = graph.constant([1.0, 1.0, *[FILM_SIDE / features.side] * 3])
        volume = graph("Resize", volume, "", scales, mode="linear", coordinate_transformation_mode="half_pixel")
    graph.output(OUTPUT_NAME, volume, shape)
    return graph.model("X2CT", metadata or {})


def in_cube_axes(kernel: Tensor, axes: tuple[int, int, int]) -> NDArray[np.float32]:
    """A 3D kernel (O, C, a, b, c) of a view's (depth, row, column) with its last axes along S, P, L."""
    return array(kernel).transpose(0, 1, *(axis + 2 for axis in axes))


class _GraphDecoder:
    """The decoder levels, in the cube's axes for every view."""

    def __init__(self, graph: OnnxGraph, generator: X2CTGenerator, films: list[str]) -> None:
        self.graph = graph
        self.generator = generator
        self.states: list[Slabs] = []
        self.skips: list[list[str]] = []
        for branch, film, axes in zip(generator.branches, films, CONNECTION_C_AXES, strict=False):
            features, vector = encode(graph, branch.encoder, film, FILM_SIDE)
            self.states.append(bridge(graph, branch.bridge, vector, axes))
            self.skips.append(
                [
                    depth_constant_skip(graph, connection, feature, BOTTLENECK_SIDE << (n + 1))
                    for n, (connection, feature) in enumerate(zip(branch.skips, reversed(features), strict=False))
                ]
            )

    def one_view(self) -> tuple[Slabs, tuple[int, int, int]]:
        """Features before the head, and the axes its kernel is in."""
        axes, (state,) = CONNECTION_C_AXES[0], self.states
        for n, level in enumerate(self.generator.branches[0].levels):
            state = self._extra(level, self._view_level(0, n, state, factor=1.0), axes)
        return state, axes

    def two_views(self) -> tuple[Slabs, tuple[int, int, int]]:
        """Fused features before the head; connection C averages both views after every joining convolution."""
        graph = self.graph
        shared = per_slab(added(graph, *self.states), lambda x: graph("Mul", x, graph.constant(0.5)))
        fused = shared
        for n, level in enumerate(self.generator.fusion):
            views = []
            for view, branch in enumerate(self.generator.branches):
                below = shared
                if n > 0:
                    below = self._extra(branch.levels[n - 1], shared, CONNECTION_C_AXES[view])
                views.append(self._view_level(view, n, below, factor=0.5))
            shared = added(graph, *views)
            fused = self._fusion_level(level, shared, fused)
        return fused, CUBE_AXES

    def _view_level(self, view: int, n: int, below: Slabs, factor: float) -> Slabs:
        graph, axes = self.graph, CONNECTION_C_AXES[view]
        level = self.generator.branches[view].levels[n]
        up = self._upsampled(level, below, axes)
        from_below = in_cube_axes(level.compress.weight[:, level.channels :], axes)
        from_skip = array(level.compress.weight[:, : level.channels])
        skip = skip_contribution(graph, self.skips[view][n], from_skip, axes, up.side)
        return norm_relu(graph, added(graph, convolve(graph, [(up, from_below)]), skip), factor)

    def _fusion_level(self, level: DecoderLevel, shared: Slabs, below: Slabs) -> Slabs:
        up = self._upsampled(level, below, CUBE_AXES)
        kernel = array(level.compress.weight)
        parts = [(shared, kernel[:, : level.channels]), (up, kernel[:, level.channels :])]
        return self._extra(level, norm_relu(self.graph, convolve(self.graph, parts)), CUBE_AXES)

    def _upsampled(self, level: DecoderLevel, below: Slabs, axes: tuple[int, int, int]) -> Slabs:
        return norm_relu(self.graph, upsample(self.graph, below, in_cube_axes(level.upsample.conv.weight, axes)))

    def _extra(self, level: DecoderLevel, volume: Slabs, axes: tuple[int, int, int]) -> Slabs:
        for layer in level.extra:
            kernel = in_cube_axes(layer.conv.weight, axes)
            volume = norm_relu(self.graph, convolve(self.graph, [(volume, kernel)]))
        return volume
