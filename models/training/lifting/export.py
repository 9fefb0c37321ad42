"""The trained lifting network as one ONNX graph of any number of views."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from shared.half_weights import as_stored, exported
from torch import Tensor, nn
from X2CTReconLib.lifted_views import FILM_CHANNELS, RAY_CHANNELS
from XRayLib.bundle import parity_block, parity_inputs

from lifting.layers import doubled
from lifting.network import LiftingNetwork

INPUT_NAMES = ("films", "projections", "rays", "start")
OUTPUT_NAMES = ("volume", "deviation", "tissue")
PARITY_TOLERANCE = {"fp32": 2e-3, "tf32": 2e-2, "fp16": 5e-2}
PARITY_VIEWS = 2


class ShippedNetwork(nn.Module):
    """What a bundle computes: volume and standard deviation on twice the network's grid, tissue probabilities."""

    def __init__(self, network: LiftingNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, films: Tensor, projections: Tensor, rays: Tensor, start: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Network values (1, 1, 2n, 2n, 2n) twice, probabilities (1, 4, n, n, n)."""
        found = self.network(films, projections, rays, start)
        return doubled(found.mean), doubled(torch.exp(0.5 * found.log_variance)), found.tissue.softmax(dim=1)


def input_shapes(network: LiftingNetwork, views: int | str, film_px: int) -> dict[str, list[int | str]]:
    """By input name."""
    side = network.template.shape[-1]
    return {
        "films": [views, FILM_CHANNELS, film_px, film_px],
        "projections": [views, 2, side, side, side],
        "rays": [views, RAY_CHANNELS, *[side // 2] * 3],
        "start": [1, 1, side, side, side],
    }


def onnx_network(network: LiftingNetwork, film_px: int, metadata: Mapping[str, str]) -> onnx.ModelProto:
    """The graph with float16 weights; the number of views is free."""
    example = [torch.rand(tuple(shape)) for shape in input_shapes(network, PARITY_VIEWS, film_px).values()]
    free = {name: {0: "views"} for name in INPUT_NAMES[:3]}
    return exported(ShippedNetwork(network), example, INPUT_NAMES, OUTPUT_NAMES, metadata, free)


def parity_of(network: LiftingNetwork, film_px: int) -> dict[str, Any]:
    """Parity block with PyTorch's answers, weights as stored."""
    low = {"films": 0.0, "projections": -1.0, "rays": -1.0, "start": 0.0}
    inputs = {
        name: {"pattern": "waves", "seed": 11 + n, "shape": shape, "low": low[name], "high": 1.0}
        for n, (name, shape) in enumerate(input_shapes(network, PARITY_VIEWS, film_px).items())
    }
    return parity_block(inputs, answers(as_stored(network), parity_inputs({"inputs": inputs})), PARITY_TOLERANCE)


def answers(network: LiftingNetwork, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """PyTorch's outputs by name."""
    with torch.inference_mode():
        found = ShippedNetwork(network).eval()(*(torch.from_numpy(inputs[name]) for name in INPUT_NAMES))
    return dict(zip(OUTPUT_NAMES, (x.numpy() for x in found), strict=True))
