"""The published network: its size, and the reduced formulation against the written-out one."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from x2ct import PatchDiscriminator3d, X2CTGenerator  # noqa: E402
from x2ct.connections import ConnectionB  # noqa: E402
from x2ct.decoder import OutputHead  # noqa: E402
from x2ct.generator import to_cube, to_view  # noqa: E402
from x2ct.layers import parameter_count  # noqa: E402

SMALL = {"width": 1 / 16, "level_channels": (8, 6, 4, 4, 2, 2), "depths": (1, 1, 1, 1, 1)}


def randomised(module):
    """Weights of a size at which every path matters (the published start leaves the output nearly constant)."""
    torch.manual_seed(3)
    for parameter in module.parameters():
        if parameter.dim() > 1:
            torch.nn.init.kaiming_normal_(parameter)
        else:
            torch.nn.init.normal_(parameter, 0.0, 0.1)
    return module.eval()


@pytest.mark.parametrize(("views", "millions"), [(1, 29.38), (2, 61.74)])
def test_the_published_width_has_the_published_parameter_count(views, millions):
    with torch.device("meta"):
        count = parameter_count(X2CTGenerator(views))
    assert count / 1e6 == pytest.approx(millions, abs=0.005)


def test_the_discriminator_has_the_published_parameter_count():
    with torch.device("meta"):
        assert parameter_count(PatchDiscriminator3d(2)) / 1e6 == pytest.approx(11.06, abs=0.005)


@pytest.mark.parametrize("views", [1, 2])
def test_the_reduced_formulation_equals_the_published_one(views):
    generator = randomised(X2CTGenerator(views, **SMALL))
    images = [torch.rand(1, 1, 128, 128) for _ in range(views)]
    with torch.no_grad():
        reduced, published = generator(*images), generator.published(*images).volume
    assert reduced.shape == (1, 1, 128, 128, 128)
    assert (reduced - published).abs().max() <= 1e-4 * published.abs().max()


@pytest.mark.parametrize("views", [1, 2])
def test_a_decoder_that_ends_coarser_is_interpolated_to_the_films_size(views):
    generator = randomised(X2CTGenerator(views, width=1 / 16, level_channels=(8, 6, 4, 4), depths=(1, 1, 1, 1, 1)))
    images = [torch.rand(1, 1, 128, 128) for _ in range(views)]
    with torch.no_grad():
        volume, published = generator(*images), generator.published(*images).volume
        coarse = generator.in_cube(generator.head(generator.features(*images)))
    assert coarse.shape == (1, 1, 32, 32, 32)
    assert volume.shape == (1, 1, 128, 128, 128)
    torch.testing.assert_close(volume, published, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(volume[..., 1::4, 1::4, 1::4].mean(), coarse.mean(), rtol=2e-2, atol=1e-2)


def test_published_form_also_returns_each_views_volume():
    generator = randomised(X2CTGenerator(2, **SMALL))
    with torch.no_grad():
        prediction = generator.published(torch.rand(1, 1, 128, 128), torch.rand(1, 1, 128, 128))
    assert [v.shape for v in prediction.per_view] == [(1, 1, 128, 128, 128)] * 2


@pytest.mark.parametrize("side", [8, 16])
def test_connection_b_without_copies_equals_connection_b(side):
    connection = randomised(ConnectionB(5, 3))
    features = torch.randn(2, 5, side, side)
    with torch.no_grad():
        copies, folded = connection(features), connection.depth_constant(features).expanded()
    torch.testing.assert_close(folded, copies, rtol=1e-4, atol=1e-5)


def test_gradients_agree_between_both_forms_of_connection_b():
    connection = randomised(ConnectionB(3, 2)).double()
    features = torch.randn(1, 3, 8, 8, dtype=torch.double)
    probe = torch.randn(1, 2, 8, 8, 8, dtype=torch.double)
    gradients = []
    for form in (connection, lambda x: connection.depth_constant(x).expanded()):
        x = features.clone().requires_grad_()
        (form(x) * probe).sum().backward()
        gradients.append(x.grad)
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-8, atol=1e-10)


def test_the_head_by_slices_is_the_same_convolution():
    head = randomised(OutputHead(3))
    x = torch.randn(1, 3, 10, 11, 12)
    with torch.no_grad():
        torch.testing.assert_close(head.forward_by_slices(x), head(x), rtol=1e-4, atol=1e-4)


def test_what_both_films_see_lands_in_the_same_voxel():
    """A point at (inferior 1, posterior 2, left 3): frontal film row 1 column 3, lateral film row 1 column 2."""
    frontal, lateral = torch.zeros(1, 1, 5, 5, 5), torch.zeros(1, 1, 5, 5, 5)
    frontal[0, 0, :, 1, 3] = 1  # copied along depth
    lateral[0, 0, :, 1, 2] = 1
    both = to_cube(frontal, 0) * to_cube(lateral, 1)
    assert both.nonzero().tolist() == [[0, 0, 1, 2, 3]]
    for view in (0, 1):
        assert torch.equal(to_view(to_cube(frontal, view), view), frontal)


def test_the_discriminator_scores_patches_and_sees_the_films():
    discriminator = randomised(PatchDiscriminator3d(2, width=1 / 16))
    volume, films = torch.rand(1, 1, 64, 64, 64), [torch.rand(1, 1, 64, 64) for _ in range(2)]
    with torch.no_grad():
        scores, other = discriminator(volume, *films), discriminator(volume, films[0], films[1].flip(-1))
    assert scores.shape == (1, 1, 6, 6, 6)
    assert not torch.allclose(scores, other)
