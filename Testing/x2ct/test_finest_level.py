"""The finest level's start: the level below comes through unchanged, and the head is the least-squares one."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("scipy")

from x2ct.decoder import DecoderLevel  # noqa: E402
from x2ct.finest_level import _interpolate, _pass_pairs, _patches, fit_head, hand_through  # noqa: E402
from x2ct.generator import X2CTGenerator  # noqa: E402
from x2ct.layers import instance_norm  # noqa: E402
from x2ct.synthesis import Sample  # noqa: E402

SMALL = {"width": 1 / 32, "level_channels": (4, 4, 2, 2, 4, 6), "depths": (1, 1, 1, 1, 1)}


def test_signals_pass_through_norm_and_relu_as_pairs_of_channels():
    level = DecoderLevel(4, 6, extra=1).requires_grad_(False)
    directions = torch.linalg.qr(torch.randn(4, 4))[0][:, :2]
    _interpolate(level.upsample.conv, directions)
    _pass_pairs(level.compress, 2, first=6)
    _pass_pairs(level.extra[0].conv, 2, first=0)
    below = torch.rand(1, 4, 8, 8, 8)
    out = level.extra(level.joined(torch.rand(1, 6, 16, 16, 16), below))
    for r in range(2):
        signal = torch.einsum("c,bcdhw->bdhw", directions[:, r], below)
        carried = (out[:, 2 * r] - out[:, 2 * r + 1])[0]
        fine = instance_norm(level.upsample.conv(below))[0, 2 * r]
        torch.testing.assert_close(carried, fine, rtol=1e-3, atol=1e-3)
        raw = level.upsample.conv(below)[0, 2 * r]
        torch.testing.assert_close(raw[::2, ::2, ::2], signal[0], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(raw[1:-1:2, ::2, ::2], (signal[0, :-1] + signal[0, 1:]) / 2, rtol=1e-4, atol=1e-5)


def test_windows_are_those_of_the_convolution():
    features = torch.randn(2, 9, 9, 9)
    kernel = torch.randn(1, 2, 7, 7, 7)
    at = torch.tensor([[0, 0, 0], [4, 5, 6], [8, 1, 3]])
    expected = torch.nn.functional.conv3d(features[None], kernel, padding=3)[0, 0]
    found = _patches(features, at) @ torch.cat([kernel.flatten(), torch.zeros(1)])
    torch.testing.assert_close(found, expected[tuple(at.T)], rtol=1e-4, atol=1e-4)


def test_the_fitted_head_reproduces_a_target_the_features_can_express(monkeypatch):
    generator = X2CTGenerator(1, **SMALL)
    features = torch.rand(6, 24, 24, 24)
    target = 0.2 + 0.3 * features[1] - 0.1 * features[4].roll(1, 0)
    problem = (features, target, torch.ones_like(target))
    monkeypatch.setattr("x2ct.finest_level._head_problem", lambda *_: problem)
    monkeypatch.setattr("x2ct.finest_level.RIDGE", 1e-9)
    nothing = Sample(np.zeros((1, 1, 1)), np.zeros((1, 1, 1)), np.zeros((1, 1, 1)))
    assert fit_head(generator, [nothing, nothing]) < 2e-2
    with torch.no_grad():
        fitted = generator.head(features[None])[0, 0]
    assert (fitted - target)[4:-4, 4:-4, 4:-4].abs().max() < 2e-2


def test_the_carried_signals_are_those_the_coarse_head_reads():
    generator = X2CTGenerator(1, **SMALL)
    coarse = torch.nn.Conv3d(4, 1, 3, padding=1)
    hand_through(generator, coarse)
    kernel = generator.branches[0].levels[-1].upsample.conv.weight
    directions = kernel[:, [0, 2], 1, 1, 1]
    matrix = coarse.weight[0].flatten(1)
    kept = directions @ directions.T @ matrix
    assert torch.linalg.norm(matrix - kept) <= torch.linalg.svdvals(matrix)[2:].norm() + 1e-5
