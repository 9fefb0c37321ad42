"""Autograd through the projector: in the volume, in the pose, on tensors of the CPU."""

from __future__ import annotations

import numpy as np
import pytest
from analytic_shapes import GAUSSIANS, c_arm, ijk_to_ras_of, relative_error, voxelised
from XRayLib.errors import InputError
from XRayLib.projector import project

torch = pytest.importorskip("torch")

from XRayLib.projector import torch_function  # noqa: E402
from XRayLib.projector.torch_function import project_torch  # noqa: E402

SHAPE = (44, 46, 48)
GEOMETRIES = [c_arm(0, 5, (30, 26)), c_arm(70, 5, (30, 26))]
TWIST = [0.2, -0.3, 0.4, 5.0, -8.0, 3.0]


@pytest.fixture(scope="module")
def volume():
    return voxelised(GAUSSIANS, SHAPE, ijk_to_ras_of(SHAPE, 190.0))


@pytest.fixture(params=["host memory", "device kernels"])
def on_both_paths(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The path of CPU tensors, and that of CUDA tensors run on Warp's CPU device."""
    if request.param == "device kernels":
        pytest.importorskip("warp")
        monkeypatch.setattr(torch_function, "engine_for", lambda _: torch_function.DeviceEngine("cpu"))


@pytest.mark.usefixtures("on_both_paths")
def test_images_are_those_of_project(volume) -> None:
    images = project_torch(torch.from_numpy(volume.voxels), volume.ijk_to_ras, GEOMETRIES)
    np.testing.assert_allclose(images.numpy(), project(volume, GEOMETRIES), atol=2e-6)


@pytest.mark.usefixtures("on_both_paths")
def test_gradient_in_the_volume_is_the_adjoint(volume) -> None:
    mu = torch.from_numpy(volume.voxels).requires_grad_()
    weights = torch.rand(2, 26, 30, generator=torch.Generator().manual_seed(0))
    (project_torch(mu, volume.ijk_to_ras, GEOMETRIES, torch.tensor(TWIST)) * weights).sum().backward()
    direction = torch.rand(SHAPE, generator=torch.Generator().manual_seed(1))
    change = (project_torch(direction, volume.ijk_to_ras, GEOMETRIES, torch.tensor(TWIST)) * weights).sum()
    assert float((mu.grad.double() * direction).sum()) == pytest.approx(float(change), rel=1e-5)


@pytest.mark.usefixtures("on_both_paths")
@pytest.mark.parametrize("shared", [True, False], ids=["one twist", "a twist per view"])
def test_gradient_in_a_large_twist_agrees_with_differences(volume, shared: bool) -> None:
    mu = torch.from_numpy(volume.voxels)
    start = torch.tensor(TWIST, dtype=torch.float64)
    twist = (start if shared else torch.stack([start, -0.5 * start])).requires_grad_()
    target = project_torch(mu, volume.ijk_to_ras, GEOMETRIES) * 0.7

    def loss(twist):
        return ((project_torch(mu, volume.ijk_to_ras, GEOMETRIES, twist) - target).double() ** 2).sum()

    loss(twist).backward()
    steps, wanted = [1e-3] * 3 + [0.08] * 3, np.zeros(twist.shape)
    for index in np.ndindex(*twist.shape):
        shift = torch.zeros_like(start if shared else twist)
        shift[index] = steps[index[-1]]
        with torch.no_grad():
            wanted[index] = (loss(twist + shift) - loss(twist - shift)).item() / (2 * steps[index[-1]])
    assert relative_error(twist.grad[..., :3].numpy(), wanted[..., :3]) < 0.04
    assert relative_error(twist.grad[..., 3:].numpy(), wanted[..., 3:]) < 0.04


def test_batches_of_volumes(volume) -> None:
    mu = torch.from_numpy(volume.voxels)
    batch = torch.stack([mu, 2 * mu]).requires_grad_()
    images = project_torch(batch, volume.ijk_to_ras, GEOMETRIES)
    assert images.shape == (2, 2, 26, 30)
    torch.testing.assert_close(images[1], 2 * images[0], rtol=1e-5, atol=1e-6)
    images[1].sum().backward()
    assert not batch.grad[0].any()
    assert batch.grad[1].any()


def test_types_are_kept_and_only_what_is_needed_is_computed(volume) -> None:
    mu = torch.from_numpy(volume.voxels).double().requires_grad_()
    images = project_torch(mu, volume.ijk_to_ras, GEOMETRIES)
    assert images.dtype == torch.float64
    images.sum().backward()
    assert mu.grad.dtype == torch.float64
    assert not project_torch(mu.detach(), volume.ijk_to_ras, GEOMETRIES).requires_grad


@pytest.mark.parametrize(
    ("shape", "twist"), [((4, 4), None), ((1, 4, 4), None), ((4, 4, 4), (5,)), ((4, 4, 4), (3, 6))]
)
def test_wrong_shapes_are_refused(shape, twist) -> None:
    with pytest.raises(InputError):
        project_torch(torch.zeros(shape), np.eye(4), GEOMETRIES, None if twist is None else torch.zeros(twist))
