"""The lifting network: any set of views in any order, and losses that say what they should."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from lifting.layers import packed, unpacked  # noqa: E402
from lifting.lift import backprojection, sampled  # noqa: E402
from lifting.losses import (  # noqa: E402
    gradient_loss,
    likelihood_loss,
    projection_loss,
    tissue_loss,
    tissue_of,
    volume_losses,
)
from lifting.network import Prediction  # noqa: E402
from lifting.views import ViewVariation, random_sources  # noqa: E402
from small_lifting import SIDE, SOURCES, small_network, torch_tensors  # noqa: E402
from X2CTReconLib.lifted_views import LiftingCube  # noqa: E402


def test_the_order_of_the_views_does_not_matter():
    network = small_network()
    one, other = (network(*torch_tensors(*names)) for names in (("frontal", "lateral"), ("lateral", "frontal")))
    for a, b in zip(one, other, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)


def test_every_view_counts_and_one_is_enough():
    network = small_network()
    sets = [("frontal",), ("frontal", "lateral"), ("frontal", "lateral", "oblique"), ("oblique",)]
    means = [network(*torch_tensors(*names)).mean for names in sets]
    assert all(mean.shape == (1, 1, SIDE, SIDE, SIDE) for mean in means)
    for n, first in enumerate(means):
        assert all(float((first - other).detach().abs().mean()) > 1e-3 for other in means[n + 1 :])


def test_where_a_film_is_taken_from_matters():
    network = small_network()
    films, projections, rays, start = torch_tensors("frontal")
    _, elsewhere, other_rays, _ = torch_tensors("oblique")
    a, b = network(films, projections, rays, start).mean, network(films, elsewhere, other_rays, start).mean
    assert float((a - b).detach().abs().mean()) > 1e-3


def test_a_batch_of_patients_is_each_of_them():
    network = small_network()
    patients = [torch_tensors("frontal"), torch_tensors("lateral", "oblique")]
    for fine in (True, False):
        together = network.of_patients(patients, fine)
        for n, patient in enumerate(patients):
            for a, b in zip(together, network.of_patients([patient], fine), strict=True):
                torch.testing.assert_close(a[n : n + 1], b, atol=1e-5, rtol=1e-5)
    assert together.mean.shape[-1] == SIDE // 2


def test_packing_is_undone_by_unpacking_and_keeps_neighbours_together():
    volume = torch.arange(2 * 3 * 4**3, dtype=torch.float32).reshape(2, 3, 4, 4, 4)
    torch.testing.assert_close(unpacked(packed(volume)), volume)
    np.testing.assert_array_equal(packed(volume)[0, :8, 0, 0, 0], volume[0, 0, :2, :2, :2].flatten())


def test_features_are_sampled_at_the_projections():
    maps = torch.arange(16.0).reshape(1, 1, 4, 4)
    centres = torch.zeros(1, 2, 2, 2, 2)
    centres[:, 0], centres[:, 1] = -0.75, 0.25  # column 0, row 2
    torch.testing.assert_close(sampled(maps, centres), torch.full((1, 1, 2, 2, 2), 8.0))
    assert (sampled(maps, centres + 5) == 0).all()


def test_the_backprojection_is_least_where_one_view_sees_air():
    film = torch.tensor([[1.0], [0.0]]).expand(2, 8).reshape(2, 8, 1, 1, 1)
    lengths = torch.full((2, 1, 1, 1, 1), 0.5)
    mean, least = backprojection(film, lengths).split(8, dim=1)
    assert (mean == 1).all()
    assert (least == 0).all()


def perfect(target: torch.Tensor) -> Prediction:
    logits = 30.0 * torch.nn.functional.one_hot(tissue_of(target), 4).movedim(-1, 1)
    return Prediction(target.clone(), torch.full_like(target, -8.0), logits.float())


def test_losses_vanish_for_the_truth_and_not_for_a_shift():
    torch.manual_seed(0)
    target = torch.rand(2, 1, 8, 8, 8)
    weight = torch.ones_like(target)
    right = volume_losses(perfect(target), target, weight)
    assert all(float(right[name]) < 0.01 for name in ("absolute", "squared", "gradient", "tissue"))
    wrong = volume_losses(perfect(target.roll(1, 3)), target, weight)
    assert all(float(wrong[name]) > 0.05 for name in ("absolute", "squared", "gradient", "tissue"))


def test_what_is_not_known_does_not_count():
    torch.manual_seed(0)
    target, weight = torch.rand(1, 1, 8, 8, 8), torch.ones(1, 1, 8, 8, 8)
    weight[:, :, 4:] = 0
    changed = target.clone()
    changed[:, :, 5:] += 0.5
    losses = volume_losses(perfect(changed), target, weight)
    assert float(losses["squared"]) == 0
    assert float(gradient_loss(changed - target, weight)) == 0
    assert float(tissue_loss(perfect(changed).tissue, target, weight)) < 0.01


def test_tissues_are_told_by_their_hounsfield_units():
    hu = torch.tensor([-1000.0, -800.0, 40.0, 700.0])
    values = ((hu + 1024) / 2500).reshape(1, 1, 4, 1, 1)
    assert tissue_of(values).flatten().tolist() == [0, 1, 2, 3]


def test_the_likelihood_is_best_at_the_true_deviation_and_leaves_the_mean_alone():
    torch.manual_seed(0)
    difference = (0.1 * torch.randn(1, 1, 16, 16, 16)).requires_grad_()
    ones = torch.ones_like(difference)
    losses = [
        float(likelihood_loss(difference, torch.full_like(ones, float(np.log(s**2))), ones)) for s in (0.05, 0.1, 0.2)
    ]
    assert losses[1] < min(losses[0], losses[2])
    log_variance = torch.zeros_like(ones, requires_grad=True)
    likelihood_loss(difference, log_variance, ones).backward()
    assert difference.grad is None
    assert log_variance.grad is not None


def test_the_projection_loss_pulls_attenuation_toward_the_target():
    target = torch.full((1, 1, 16, 16, 16), 24 / 2500)
    target[..., 4:12, 4:12, 4:12] = 0.41
    mean = torch.full_like(target, 0.2).requires_grad_()
    cube = LiftingCube(np.zeros(3), 416.0, 16)
    views = [[cube.film_geometry(SOURCES[name], 24) for name in ("frontal", "oblique")]]
    loss = projection_loss(mean, target, torch.ones_like(target), views, 416.0)
    loss.backward()
    assert float(loss.detach()) > 0.01
    assert float(projection_loss(target, target, torch.ones_like(target), views, 416.0)) == 0
    assert float(mean.grad[0, 0, 8, 8, 8]) < 0 < float(mean.grad[0, 0, 8, 8, 0])


def test_random_views_have_the_stated_numbers_and_distances():
    rng = np.random.default_rng(0)
    sets = [random_sources(ViewVariation(), (600.0, 2000.0), 0.15, rng) for _ in range(300)]
    shares = np.bincount([len(s) for s in sets], minlength=4)[1:] / len(sets)
    np.testing.assert_allclose(shares, ViewVariation().view_shares, atol=0.09)
    distances = np.linalg.norm(np.concatenate(sets), axis=1)
    assert distances.min() >= 600
    assert distances.max() <= 2000
    pairs = [s for s in sets if len(s) == 2]
    cosines = [abs(a @ b) / np.linalg.norm(a) / np.linalg.norm(b) for a, b in pairs]
    assert np.median(cosines) < 0.6
    assert max(cosines) < 0.95
