"""Losses on values that can be computed by hand."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from x2ct.losses import (  # noqa: E402
    LossWeights,
    adversarial_loss,
    discriminator_loss,
    projection_loss,
    reconstruction_loss,
)


def test_published_weights():
    assert LossWeights() == LossWeights(adversarial=0.1, reconstruction=10.0, projection=10.0)


def test_projection_loss_of_one_wrong_voxel():
    """One voxel off by 8 in 2^3: every mean projection is off by 4 in one of its four pixels."""
    target = torch.zeros(1, 1, 2, 2, 2)
    volume = target.clone()
    volume[0, 0, 0, 1, 0] = 8.0
    assert projection_loss(volume, target).item() == pytest.approx(1.0)
    assert reconstruction_loss(volume, target).item() == pytest.approx(8.0)


def test_errors_that_cancel_along_one_axis_still_count_along_the_others():
    volume = torch.zeros(1, 1, 2, 2, 2)
    volume[0, 0, 0], volume[0, 0, 1] = 1.0, -1.0
    assert projection_loss(volume, torch.zeros_like(volume)).item() == pytest.approx(2 / 3)


def test_unknown_voxels_do_not_count():
    volume, target = torch.zeros(1, 1, 2, 2, 2), torch.zeros(1, 1, 2, 2, 2)
    volume[..., 0], target[..., 1] = 1.0, 5.0
    weight = torch.zeros_like(volume)
    weight[..., 0] = 1.0
    assert reconstruction_loss(volume, target, weight).item() == pytest.approx(1.0)


def test_least_squares_gan_targets():
    assert discriminator_loss(torch.ones(3), torch.zeros(3)).item() == 0.0
    assert discriminator_loss(torch.zeros(3), torch.ones(3)).item() == pytest.approx(1.0)
    assert adversarial_loss(torch.ones(3)).item() == 0.0
    assert adversarial_loss(torch.full((2,), 3.0)).item() == pytest.approx(4.0)
