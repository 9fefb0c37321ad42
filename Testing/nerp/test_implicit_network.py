"""The published network, its settings, and the grid of the earlier CT."""

from __future__ import annotations

import numpy as np
import pytest
from X2CTReconLib.implicit.prior_grid import PriorGrid
from X2CTReconLib.implicit.settings import ImplicitSettings
from XRayLib.ct import Volume
from XRayLib.errors import InputError

torch = pytest.importorskip("torch")

from X2CTReconLib.implicit import network as network_module  # noqa: E402
from X2CTReconLib.implicit.network import ImplicitVolume  # noqa: E402

PUBLISHED = ImplicitSettings.from_mapping({"preset": "published"})


def small_network(seed: int = 0) -> ImplicitVolume:
    settings = ImplicitSettings(fourier_features=8, depth=3, width=16)
    return ImplicitVolume(settings, torch.Generator().manual_seed(seed))


def test_the_published_network_has_its_published_size() -> None:
    network = ImplicitVolume(PUBLISHED, torch.Generator().manual_seed(0))
    assert network.parameter_count() == 526_337
    assert tuple(network.frequencies.shape) == (256, 3)
    assert float(network.frequencies.std()) == pytest.approx(4.0, rel=0.1)
    assert [layer.out_features for layer in network.layers] == [256] * 7 + [1]
    assert (PUBLISHED.embedding_iterations, PUBLISHED.embedding_rate) == (2000, 1e-4)
    assert (PUBLISHED.iterations, PUBLISHED.rate) == (2000, 1e-5)
    assert not PUBLISHED.change_only


def test_the_network_is_sines_of_sines_of_fourier_features() -> None:
    network, position = small_network(), np.array([0.2, 0.7, 0.4])
    angles = 2 * np.pi * network.frequencies.double().numpy() @ position
    values = np.concatenate([np.sin(angles), np.cos(angles)])
    weights = [
        (layer.weight.detach().double().numpy(), layer.bias.detach().double().numpy()) for layer in network.layers
    ]
    for weight, bias in weights[:-1]:
        values = np.sin(30 * (weight @ values + bias))
    wanted = (weights[-1][0] @ values + weights[-1][1]).item()
    features = network.encoded(torch.tensor(position[None], dtype=torch.float32))
    assert network(features).item() == pytest.approx(wanted, abs=1e-4)


def test_pieces_give_the_gradients_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    network = small_network()
    features = network.encoded(torch.rand(50, 3, generator=torch.Generator().manual_seed(1)))

    def gradient() -> torch.Tensor:
        network.zero_grad()
        network(features).square().sum().backward()
        return torch.cat([parameter.grad.ravel() for parameter in network.parameters()])

    whole = gradient()
    monkeypatch.setattr(network_module, "PIECE", 7)
    torch.testing.assert_close(gradient(), whole, rtol=1e-4, atol=1e-6)


def test_the_same_seed_gives_the_same_network() -> None:
    same, other = small_network(0).state_dict(), small_network(1).state_dict()
    for name, tensor in small_network(0).state_dict().items():
        assert torch.equal(tensor, same[name])
        assert not torch.equal(tensor, other[name])


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"preset": "best"}, "no preset 'best'"),
        ({"itterations": 3}, "itterations"),
        ({"iterations": 2.5}, "type int"),
        ({"iterations": True}, "type int"),
        ({"iterations": 0}, "at least 1"),
        ({"depth": 1}, "at least 2"),
        ({"rate": -1.0}, "greater than 0"),
        ({"embedding_batch": -1}, "or more"),
    ],
)
def test_wrong_settings_are_refused(values: dict, told: str) -> None:
    with pytest.raises(InputError, match=told):
        ImplicitSettings.from_mapping(values)


def test_settings_override_a_preset() -> None:
    chosen = ImplicitSettings.from_mapping({"preset": "published", "iterations": 7, "rate": 1})
    assert (chosen.iterations, chosen.rate, chosen.width) == (7, 1, 256)


def oblique_ct() -> Volume:
    turned, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    matrix = np.eye(4)
    matrix[:3, :3] = turned * [2.0, 3.0, 5.0]
    matrix[:3, 3] = [10, -20, 30]
    voxels = np.full((12, 20, 30), -1000, np.float32)
    voxels[3:9, 5:15, 8:22] = 40.0
    return Volume(voxels, matrix)


def test_the_grid_keeps_the_cts_place_and_is_never_finer() -> None:
    ct = oblique_ct()
    grid = PriorGrid.of(ct, 15)
    np.testing.assert_allclose(grid.water.center_ras_mm, ct.center_ras_mm, atol=1e-9)
    assert grid.water.spacing_mm == pytest.approx((4.0, 4.0, 5.0))
    assert grid.water.voxels.shape == (12, 15, 15)
    fine = PriorGrid.of(ct, 1000)
    assert fine.water.spacing_mm == pytest.approx(ct.spacing_mm)
    np.testing.assert_allclose(fine.water.voxels, np.maximum(0, 1 + ct.voxels / 1000), atol=1e-5)


def test_a_change_is_added_to_the_ct_and_nothing_else_moves() -> None:
    ct = oblique_ct()
    grid = PriorGrid.of(ct, 1000)
    assert np.array_equal(grid.changed_ct(ct, grid.water.voxels).voxels, ct.voxels)
    water = grid.water.voxels.copy()
    water[5, 10, 12] += 0.1
    water[0, 0, 0] -= 0.3
    changed = grid.changed_ct(ct, water).voxels - ct.voxels
    assert changed[5, 10, 12] == pytest.approx(100, abs=0.1)
    assert np.abs(changed).sum() == pytest.approx(100, abs=1.0)
    assert grid.as_hu(water).voxels[0, 0, 0] == -1000


def test_only_tissue_at_the_border_counts_as_cut() -> None:
    ct = oblique_ct()
    assert not PriorGrid.of(ct, 1000).cut_body().voxels.any()
    voxels = ct.voxels.copy()
    voxels[0, 10, 10] = 40.0
    cut = PriorGrid.of(Volume(voxels, ct.ijk_to_ras), 1000).cut_body().voxels
    assert np.argwhere(cut).tolist() == [[0, 10, 10]]
