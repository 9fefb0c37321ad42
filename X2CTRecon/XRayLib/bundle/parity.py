"""The parity block: fixed inputs and expected outputs that prove a model computes the same on this computer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

SAMPLES = 256
WAVES = 12


@dataclass(frozen=True)
class ParityReport:
    """``error`` is the largest deviation of any sample, mean or rms as a fraction of the expected output's rms."""

    error: float
    tolerance: float
    worst_output: str

    @property
    def passed(self) -> bool:
        """Whether the outputs agree; NaN never does."""
        return bool(self.error <= self.tolerance)


def parity_inputs(block: Mapping[str, Any]) -> dict[str, NDArray[np.float32]]:
    """The fixed inputs, the same on every computer and NumPy version (they use only raw generator bits)."""
    return {name: _pattern(spec) for name, spec in block["inputs"].items()}


def parity_block(
    inputs: Mapping[str, Mapping[str, Any]],
    outputs: Mapping[str, NDArray[np.floating]],
    tolerance: Mapping[str, float],
) -> dict[str, Any]:
    """The manifest's ``parity`` entry.

    Parameters
    ----------
    inputs : per input {"pattern": "waves" or "uniform", "seed", "shape", "low", "high"}; see ``parity_inputs``
    outputs : reference outputs for these inputs
    tolerance : per precision ("fp32", "tf32", "fp16"), as a fraction of the output's rms
    """
    expected = {}
    for name, array in outputs.items():
        values = np.asarray(array, np.float64).ravel()
        indices = np.unique(np.linspace(0, values.size - 1, min(SAMPLES, values.size)).astype(int))
        expected[name] = {
            "shape": list(array.shape),
            "indices": indices.tolist(),
            "values": [float(np.float32(v)) for v in values[indices]],
            "mean": float(values.mean()),
            "rms": float(np.sqrt(np.mean(values**2))),
        }
    return {"inputs": {k: dict(v) for k, v in inputs.items()}, "outputs": expected, "tolerance": dict(tolerance)}


def compare_with_parity(
    block: Mapping[str, Any], outputs: Mapping[str, NDArray[np.floating]], precision: str = "fp32"
) -> ParityReport:
    """How far the outputs of ``parity_inputs`` are from the expected ones; one without tolerance uses a stricter."""
    tolerance = next(block["tolerance"][p] for p in _STRICTER_FROM[precision] if p in block["tolerance"])
    worst, worst_output = 0.0, ""
    for name, expected in block["outputs"].items():
        error = _output_error(expected, outputs.get(name))
        if not error <= worst:
            worst, worst_output = error, name
    return ParityReport(worst, tolerance, worst_output)


_STRICTER_FROM = {"fp32": ("fp32",), "tf32": ("tf32", "fp32"), "fp16": ("fp16", "tf32", "fp32")}


def _output_error(expected: Mapping[str, Any], output: NDArray[np.floating] | None) -> float:
    if output is None or list(output.shape) != expected["shape"] or max(expected["indices"]) >= output.size:
        return float("inf")
    values = np.asarray(output, np.float64).ravel()
    found = np.concatenate([values[expected["indices"]], [values.mean(), np.sqrt(np.mean(values**2))]])
    wanted = np.array([*expected["values"], expected["mean"], expected["rms"]])
    error = np.abs(found - wanted).max() / max(expected["rms"], 1e-12)
    return float(error) if np.isfinite(error) else float("inf")


def _pattern(spec: Mapping[str, Any]) -> NDArray[np.float32]:
    low, high, shape = spec.get("low", 0.0), spec.get("high", 1.0), tuple(spec["shape"])
    bits = np.random.PCG64(spec["seed"])
    if spec["pattern"] == "uniform":
        unit = _uniform(bits, int(np.prod(shape))).reshape(shape)
    else:
        unit = np.empty(shape)
        for index in np.ndindex(shape[:-2]):
            unit[index] = _waves(bits, shape[-2:])
    return (low + (high - low) * unit).astype(np.float32)


def _uniform(bits: np.random.PCG64, count: int) -> NDArray[np.float64]:
    return (np.asarray(bits.random_raw(count), np.uint64) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _waves(bits: np.random.PCG64, shape: Sequence[int]) -> NDArray[np.float64]:
    """A smooth image in 0..1: cosines of up to six periods across it, like a radiograph's large structures."""
    drawn = _uniform(bits, 4 * WAVES).reshape(WAVES, 4)
    axes = [np.arange(n) / n for n in shape]
    total = np.zeros(tuple(shape))
    for row, column, phase, weight in drawn:
        angle = np.add.outer(np.round(12 * row - 6) * axes[0], np.round(12 * column - 6) * axes[-1] + phase)
        total += weight * np.cos(2 * np.pi * angle)
    return 0.5 + 0.5 * total / drawn[:, 3].sum()
