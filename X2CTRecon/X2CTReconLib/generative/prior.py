"""The trained generator as a differentiable prior: styles and noise in, attenuation out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from XRayLib.errors import InputError

from X2CTReconLib.generative.synthesis import SynthesisNetwork

STYLES, VOLUME = "styles", "volume"


class PriorModule(nn.Module):
    """What a bundle's TorchScript holds: the synthesis network beside mean and deviation of its styles, (width,)."""

    def __init__(self, synthesis: SynthesisNetwork, style_mean: Tensor, style_deviation: Tensor) -> None:
        super().__init__()
        self.synthesis = synthesis
        self.register_buffer("style_mean", style_mean)
        self.register_buffer("style_deviation", style_deviation)

    def forward(self, styles: Tensor, *noise: Tensor) -> Tensor:
        """(1, layers, width) and (1, 1, n, n, n) per layer -> (1, 1, side, side, side)"""
        return self.synthesis(styles, *noise)


class GenerativePrior:
    """A generator on its device, and what its manifest says about its inputs and its volume.

    Raises InputError for a model that is no generator of volumes.
    """

    def __init__(self, module: Any, manifest: Mapping[str, Any], device: str = "cpu") -> None:
        output, inputs = manifest["outputs"].get(VOLUME, {}), manifest["inputs"]
        if output.get("quantity") != "HU" or output.get("axes") != "SAR" or STYLES not in inputs:
            raise InputError(f"The model '{manifest['id']}' is no generator of volumes: choose another model.")
        self._module, self.device = module, device
        self._scale, self._offset = float(output["scale"]), float(output["offset"])
        self.spacing_mm, self.side = float(output["spacing_mm"][0]), int(output["shape"][-1])
        _, self.layers, self.width = inputs[STYLES]["shape"]
        self.noise_shapes = [tuple(tensor["shape"]) for name, tensor in inputs.items() if name != STYLES]
        self.style_mean, self.style_deviation = module.style_mean, module.style_deviation

    def water(self, styles: Tensor, noise: list[Tensor]) -> Tensor:
        """Attenuation in units of water's, (k, j, i) along S, A, R, >= 0, of styles (layers, width)."""
        values = self._module(styles[None], *noise)[0, 0]
        return torch.relu(1 + (values * self._scale + self._offset) / 1000)

    def mean_water(self) -> Tensor:
        """The volume of the mean style without noise: what the optimisation starts from."""
        with torch.no_grad():
            styles = self.style_mean.expand(self.layers, self.width)
            return self.water(styles, [torch.zeros(shape, device=self.device) for shape in self.noise_shapes])

    def ijk_to_ras(self, center_ras_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of the cube around a point."""
        matrix = np.diag([self.spacing_mm] * 3 + [1.0])
        matrix[:3, 3] = np.asarray(center_ras_mm) - self.spacing_mm * (self.side - 1) / 2
        return matrix
