"""The 3D StyleGAN2: modulation, sizes, style mixing, the discriminator and the encoder."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional as F  # noqa: E402
from X2CTReconLib.generative.features import feature_distance  # noqa: E402
from X2CTReconLib.generative.losses import colinearity_loss, noise_loss, style_loss  # noqa: E402
from X2CTReconLib.generative.synthesis import (  # noqa: E402
    MappingNetwork,
    ModulatedConvolution,
    SynthesisNetwork,
)
from x2vision.discriminator import StyleEncoder, VolumeDiscriminator, with_batch_deviation  # noqa: E402

CHANNELS, WIDTH = (6, 5, 4), 8


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def small_network(seed: int = 0) -> SynthesisNetwork:
    """With output layers that are not zero, as after some training."""
    torch.manual_seed(seed)
    network = SynthesisNetwork(CHANNELS, WIDTH)
    for output in network.to_volume:
        torch.nn.init.normal_(output.weight)
    return network


def test_factored_modulation_is_the_modulation_of_the_weights() -> None:
    """Karras et al. 2020, equations 1 to 3, written out for one sample."""
    torch.manual_seed(0)
    layer = ModulatedConvolution(3, 4, WIDTH)
    features, w = torch.randn(2, 3, 5, 5, 5), torch.randn(2, WIDTH)
    for number in range(2):
        style = layer.style(w[number : number + 1])[0]
        weights = layer.scale * layer.weight * style[None, :, None, None, None]
        weights = weights / (weights.square().sum(dim=(1, 2, 3, 4), keepdim=True) + 1e-8).sqrt()
        wanted = F.conv3d(features[number : number + 1], weights, padding=1)
        torch.testing.assert_close(layer(features, w)[number : number + 1], wanted, rtol=1e-4, atol=1e-5)


def test_volume_and_noise_have_the_sizes_of_the_levels() -> None:
    network = small_network()
    assert network.layer_sides == (4, 8, 8, 16, 16)
    noise = network.noise(2, seeded())
    assert [tuple(layer.shape) for layer in noise] == [(2, 1, side, side, side) for side in network.layer_sides]
    volume = network(torch.randn(2, 5, WIDTH, generator=seeded(1)), *noise)
    assert tuple(volume.shape) == (2, 1, 16, 16, 16)


def test_an_untrained_generator_returns_the_mean_volume() -> None:
    network = SynthesisNetwork(CHANNELS, WIDTH)
    network.mean.copy_(torch.rand(16, 16, 16, generator=seeded()))
    volume = network(torch.randn(1, 5, WIDTH), *network.noise(1))
    torch.testing.assert_close(volume, network.mean)


@pytest.mark.parametrize("layer", range(5))
def test_every_style_and_every_noise_changes_the_volume(layer: int) -> None:
    network = small_network()
    styles, noise = torch.randn(1, 5, WIDTH, generator=seeded(1)), network.noise(1, seeded(2))
    before = network(styles, *noise)
    changed = styles.clone()
    changed[:, layer] += 1
    assert (network(changed, *noise) - before).abs().max() > 1e-3
    louder = [values * (3.0 if number == layer else 1.0) for number, values in enumerate(noise)]
    assert (network(styles, *louder) - before).abs().max() > 1e-4


def test_mapping_does_not_depend_on_the_length_of_z() -> None:
    torch.manual_seed(0)
    mapping, z = MappingNetwork(WIDTH, 3), torch.randn(4, WIDTH)
    torch.testing.assert_close(mapping(z), mapping(5 * z), rtol=1e-4, atol=1e-5)
    assert (mapping(z)[0] - mapping(z)[1]).abs().max() > 1e-2


def test_likelihoods_are_those_of_their_distributions() -> None:
    mean, deviation = torch.tensor([1.0, -2.0]), torch.tensor([0.5, 2.0])
    styles = torch.tensor([[1.5, -2.0], [1.0, 2.0]])
    density = torch.distributions.Normal(mean, deviation)
    wanted = (density.log_prob(mean) - density.log_prob(styles)).mean()
    assert style_loss(styles, mean, deviation) == pytest.approx(float(wanted))
    noise = [torch.randn(3, 4, generator=seeded()), torch.randn(5, generator=seeded(1))]
    flat = torch.cat([layer.ravel() for layer in noise])
    standard = torch.distributions.Normal(0.0, 1.0)
    assert noise_loss(noise) == pytest.approx(
        float((standard.log_prob(torch.zeros(1)) - standard.log_prob(flat)).mean())
    )
    angle = torch.tensor(0.7)
    pair = torch.stack([torch.tensor([1.0, 0.0]), 3 * torch.stack([angle.cos(), angle.sin()])])
    mises = torch.distributions.VonMises(torch.tensor(0.0), torch.tensor(1.0))
    assert colinearity_loss(pair) == pytest.approx(
        float(mises.log_prob(torch.tensor(0.0)) - mises.log_prob(angle)), abs=1e-5
    )
    assert colinearity_loss(torch.ones(4, 3)) == pytest.approx(0.0, abs=1e-6)


def test_edges_and_not_levels_make_the_feature_distance() -> None:
    image = torch.rand(1, 1, 32, 24, generator=seeded())
    assert feature_distance(image, image) == 0
    assert feature_distance(image, image + 0.3) == pytest.approx(0.0, abs=1e-6)
    small, large = (feature_distance(image, image.roll(shift, dims=3)) for shift in (1, 0))
    assert large == 0
    assert small > 0.1
    hidden = torch.ones_like(image)
    hidden[..., 12:] = 0
    spoiled = image.clone()
    spoiled[..., 13:] += torch.rand(1, 1, 32, 11, generator=seeded(1))
    assert feature_distance(image, spoiled, hidden) == pytest.approx(0.0, abs=1e-6)
    assert feature_distance(image, spoiled) > 0.1


def test_discriminator_and_encoder_sizes_and_gradients() -> None:
    judge, encoder = VolumeDiscriminator((3, 4, 5)), StyleEncoder((4, 5), layers=5, width=WIDTH)
    volumes = torch.rand(2, 1, 16, 16, 16, generator=seeded()).requires_grad_()
    assert tuple(judge(volumes).shape) == (2, 1)
    judge(volumes).sum().backward()
    assert volumes.grad.abs().max() > 0
    styles = encoder(volumes.detach())
    assert tuple(styles.shape) == (2, 5, WIDTH)
    torch.testing.assert_close(styles.square().mean(dim=2), torch.ones(2, 5), rtol=1e-4, atol=1e-4)


def test_a_batch_without_variety_is_seen() -> None:
    varied = torch.rand(4, 3, 4, 4, 4, generator=seeded())
    same = varied[:1].expand(4, -1, -1, -1, -1)
    assert with_batch_deviation(varied)[:, -1].mean() > 0.1
    assert with_batch_deviation(same)[:, -1].abs().max() < 1e-3
