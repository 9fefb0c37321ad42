"""LPIPS: distance of deep features, weighted as people judge similarity.

R. Zhang et al., "The unreasonable effectiveness of deep features as a perceptual metric", CVPR 2018, version 0.1 with
AlexNet. It is made for photographs: it tells whether slices look alike, never whether anatomy is right.

The weights are not part of this project; see :data:`HOW_TO_GET_WEIGHTS`.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from XRayLib.errors import InputError
from XRayLib.metrics.intensity import HU_RANGE, clip_hu
from XRayLib.metrics.safetensors import read_safetensors

WEIGHTS_VARIABLE = "XRAY3D_LPIPS_WEIGHTS"
HOW_TO_GET_WEIGHTS = (
    "unavailable: LPIPS needs the weights of AlexNet and of the metric. Once, where the packages lpips and safetensors "
    "are installed, run `import lpips; from safetensors.torch import save_file; save_file({k: v for k, v in "
    "lpips.LPIPS(net='alex').state_dict().items() if not k.startswith('lins')}, 'lpips.safetensors')`, "
    f"and set the environment variable {WEIGHTS_VARIABLE} to that file."
)
SMALLEST_SIDE_PX = 32
"""Below, nothing is left of the image after AlexNet's strides."""

_SHIFT = np.array([-0.030, -0.088, -0.188], np.float32)[:, None, None]
_SCALE = np.array([0.458, 0.448, 0.450], np.float32)[:, None, None]
_CONVOLUTIONS = (
    ("net.slice1.0", (64, 3, 11, 11), 4, 2, False),
    ("net.slice2.3", (192, 64, 5, 5), 1, 2, True),
    ("net.slice3.6", (384, 192, 3, 3), 1, 1, True),
    ("net.slice4.8", (256, 384, 3, 3), 1, 1, False),
    ("net.slice5.10", (256, 256, 3, 3), 1, 1, False),
)
"""Name, weight shape, stride, padding, and whether a 3x3 maximum of stride 2 comes before (Krizhevsky 2014)."""

Image = NDArray[np.floating]
Weights = dict[str, NDArray[np.float32]]


class Lpips:
    """The metric with one set of weights, named as in the state dictionary of ``lpips.LPIPS(net="alex")``.

    ``sha256`` is that of the file of weights, to be told with every value.
    """

    def __init__(self, weights: Weights, sha256: str = "") -> None:
        for level, (name, shape, *_) in enumerate(_CONVOLUTIONS):
            expected = {f"{name}.weight": shape, f"{name}.bias": shape[:1], _linear_name(level): (1, shape[0], 1, 1)}
            for key, wanted in expected.items():
                if key not in weights or weights[key].shape != wanted:
                    raise InputError(f"The LPIPS weights lack '{key}' of shape {wanted}: export them again.")
        self._weights = weights
        self.sha256 = sha256

    @classmethod
    def from_file(cls, path: str | Path) -> Lpips:
        """Read a ``.safetensors`` file; InputError when it is none or lacks a layer."""
        return cls(*read_safetensors(path))

    def __call__(self, first: Image, second: Image) -> float:
        """Distance of two images (rows, columns) with values in -1..1; 0 for equal ones.

        Sum over the five layers of the mean over positions of sum_c w_c (f_c - g_c)^2, where f and g are the features
        divided by their length over the channels c.
        """
        if first.shape != second.shape or first.ndim != 2 or min(first.shape) < SMALLEST_SIDE_PX:
            raise InputError(f"LPIPS compares two images of one size, at least {SMALLEST_SIDE_PX} pixels wide.")
        total = 0.0
        pairs = zip(self._features(first), self._features(second), strict=True)
        for level, (one, other) in enumerate(pairs):
            weights = self._weights[_linear_name(level)].reshape(-1, 1, 1)
            total += float(np.mean(np.sum(weights * (_unit(one) - _unit(other)) ** 2, axis=0), dtype=np.float64))
        return total

    def _features(self, image: Image) -> list[NDArray[np.float32]]:
        values = (np.asarray(image, np.float32)[None] - _SHIFT) / _SCALE
        levels = []
        for name, _, stride, padding, pool_before in _CONVOLUTIONS:
            if pool_before:
                values = _maximum_of_3x3(values)
            values = _convolve(values, self._weights[f"{name}.weight"], stride, padding)
            values = np.maximum(values + self._weights[f"{name}.bias"][:, None, None], 0)
            levels.append(values)
        return levels


def lpips_of_volumes(reference: NDArray[np.floating], result: NDArray[np.floating], metric: Lpips) -> float:
    """Mean LPIPS of the three middle slices, one across each axis, of volumes in HU windowed to HU_RANGE."""
    low, high = HU_RANGE
    first, second = ((clip_hu(v) - low) * np.float32(2 / (high - low)) - 1 for v in (reference, result))
    slices = [[np.take(v, v.shape[axis] // 2, axis=axis) for v in (first, second)] for axis in range(3)]
    return float(np.mean([metric(*pair) for pair in slices]))


def installed_lpips() -> Lpips | None:
    """The metric with the user's weights, None when there are none."""
    path = os.environ.get(WEIGHTS_VARIABLE)
    return Lpips.from_file(path) if path else None


def reason_against_lpips(shape: tuple[int, ...], metric: Lpips | None) -> str:
    """Why volumes of this shape have no LPIPS and what to do, empty when they have."""
    if metric is None:
        return HOW_TO_GET_WEIGHTS
    if min(shape) < SMALLEST_SIDE_PX:
        return f"unavailable: LPIPS needs at least {SMALLEST_SIDE_PX} voxels along every axis."
    return ""


def _linear_name(level: int) -> str:
    return f"lin{level}.model.1.weight"


def _unit(features: NDArray[np.float32]) -> NDArray[np.float32]:
    return features / (np.sqrt(np.sum(features**2, axis=0, keepdims=True)) + np.float32(1e-10))


def _convolve(
    values: NDArray[np.float32], weight: NDArray[np.float32], stride: int, padding: int
) -> NDArray[np.float32]:
    padded = np.pad(values, ((0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, weight.shape[2:], axis=(1, 2))
    return np.tensordot(weight, windows[:, ::stride, ::stride], axes=((1, 2, 3), (0, 3, 4)))


def _maximum_of_3x3(values: NDArray[np.float32]) -> NDArray[np.float32]:
    windows = np.lib.stride_tricks.sliding_window_view(values, (3, 3), axis=(1, 2))
    return windows[:, ::2, ::2].max(axis=(3, 4))
