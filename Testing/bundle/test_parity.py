"""Parity inputs are fixed numbers; the comparison catches what a wrong device would do."""

from __future__ import annotations

import numpy as np
import pytest
from XRayLib.bundle import compare_with_parity, parity_block, parity_inputs

INPUTS = {"image": {"pattern": "waves", "seed": 1, "shape": [1, 1, 16, 12]}}


def outputs_of(scale: float = 1.0) -> dict[str, np.ndarray]:
    return {"y": scale * np.linspace(-1, 1, 3000, dtype=np.float32).reshape(30, 100)}


def test_inputs_are_the_same_numbers_everywhere() -> None:
    uniform = parity_inputs({"inputs": {"u": {"pattern": "uniform", "seed": 7, "shape": [3], "low": -1, "high": 1}}})
    np.testing.assert_allclose(uniform["u"], [0.2501909, 0.7944276, 0.5513714], atol=1e-6)
    image = parity_inputs({"inputs": INPUTS})["image"]
    assert image.dtype == np.float32
    assert 0 <= image.min() < 0.35 < 0.65 < image.max() <= 1


@pytest.mark.parametrize("scale", [1.0, 1.0005])
def test_agreement_within_tolerance_passes(scale: float) -> None:
    block = parity_block(INPUTS, outputs_of(), {"fp32": 1e-3})
    assert compare_with_parity(block, outputs_of(scale)).passed


@pytest.mark.parametrize(
    "outputs",
    [
        outputs_of(1.01),
        {"y": outputs_of()["y"] * np.float32("nan")},
        {"y": outputs_of()["y"].T},
        {"y": np.zeros((30, 100), np.float32)},
        {},
    ],
    ids=["scaled", "nan", "transposed", "zeros", "missing"],
)
def test_disagreement_fails(outputs: dict[str, np.ndarray]) -> None:
    block = parity_block(INPUTS, outputs_of(), {"fp32": 1e-3})
    assert not compare_with_parity(block, outputs).passed


def test_half_precision_has_its_own_tolerance() -> None:
    block = parity_block(INPUTS, outputs_of(), {"fp32": 1e-4, "fp16": 1e-2})
    assert not compare_with_parity(block, outputs_of(1.004), "fp32").passed
    assert compare_with_parity(block, outputs_of(1.004), "fp16").passed
    assert not compare_with_parity(block, outputs_of(1.004), "tf32").passed
