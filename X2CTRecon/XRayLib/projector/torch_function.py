"""The projector as a differentiable torch operation, in the volume and in the pose."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry
from XRayLib.projector.backends import Backend, choose_backend, memory_errors, projector_backends, quiet_warp
from XRayLib.projector.rays import RayMotion, Rays, motion_of, rays_of
from XRayLib.projector.rigid import gradient_at_twist, motion_from_twist


def project_torch(
    mu_tensor: torch.Tensor,
    ijk_to_ras: ArrayLike,
    geometries: Sequence[XRayGeometry],
    twist: torch.Tensor | None = None,
    pivot_ras_mm: ArrayLike | None = None,
) -> torch.Tensor:
    """Line integrals of a volume tensor, differentiable in the attenuation and in the volume's pose.

    Parameters
    ----------
    mu_tensor : (k, j, i) or (batch, k, j, i) tensor
        Linear attenuation, 1/mm; at least two voxels along every axis. On a CUDA device the CUDA backend is used when
        it is installed, else the CPU's.
    ijk_to_ras : (4, 4)
        Of every volume of the batch.
    geometries : sequence of XRayGeometry
        All of one size; every volume is projected in every view.
    twist : (6,) or (views, 6) tensor, optional
        Moves the volume by x -> pivot + R(w) (x - pivot) + t, (w rad, t mm) in RAS: one motion, or one for each view.
    pivot_ras_mm : (3,), optional
        Default the middle of the volume.

    Returns
    -------
    (views, rows, columns) or (batch, views, rows, columns) tensor, type and device of ``mu_tensor``

    Raises
    ------
    InputError
        Wrong shapes, views of several sizes.
    OutOfMemoryError
        When the device's memory does not suffice.
    """
    if mu_tensor.ndim not in (3, 4) or min(mu_tensor.shape[-3:]) < 2:
        raise InputError(
            f"The volume tensor must be (k, j, i) or (batch, k, j, i) with two voxels or more per axis, "
            f"got {tuple(mu_tensor.shape)}."
        )
    views = len(geometries)
    if twist is None:
        twist = torch.zeros(6)
    if tuple(twist.shape) not in ((6,), (views, 6)):
        raise InputError(f"The twist must be (6,) or ({views}, 6), got {tuple(twist.shape)}.")
    matrix = np.array(ijk_to_ras, float)
    if pivot_ras_mm is None:
        pivot_ras_mm = matrix[:3, :3] @ ((np.array(mu_tensor.shape[-3:])[::-1] - 1) / 2) + matrix[:3, 3]
    pivot, poses = np.asarray(pivot_ras_mm, float), twist.expand(views, 6)
    if mu_tensor.ndim == 3:
        return _Projection.apply(mu_tensor, poses, matrix, geometries, pivot)
    return torch.stack([_Projection.apply(mu, poses, matrix, geometries, pivot) for mu in mu_tensor])


class _Projection(torch.autograd.Function):
    """One volume in several views. The pose derivatives come with the forward pass, where they cost little."""

    @staticmethod
    def forward(
        ctx: Any,
        mu: torch.Tensor,
        twist: torch.Tensor,
        ijk_to_ras: NDArray[np.float64],
        geometries: Sequence[XRayGeometry],
        pivot: NDArray[np.float64],
    ) -> torch.Tensor:
        poses = twist.detach().cpu().double().numpy()
        moved = [view.moved(motion_from_twist(pose, pivot)) for view, pose in zip(geometries, poses, strict=True)]
        rays, engine = rays_of(moved, ijk_to_ras), engine_for(mu)
        motion = motion_of(rays, ijk_to_ras, pivot) if ctx.needs_input_grad[1] else None
        with memory_errors():
            images, jacobian = engine.project(mu.detach().float().contiguous(), rays, motion)
        ctx.engine, ctx.rays, ctx.poses, ctx.mu_like, ctx.twist_like = engine, rays, poses, mu.detach(), twist.detach()
        ctx.jacobian = jacobian
        return images.to(mu)

    @staticmethod
    def backward(ctx: Any, image_gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:  # type: ignore[override]
        weights = image_gradients.detach().float().contiguous()
        mu_gradient = twist_gradient = None
        if ctx.needs_input_grad[0]:
            with memory_errors():
                mu_gradient = ctx.engine.backproject(weights, ctx.rays, tuple(ctx.mu_like.shape)).to(ctx.mu_like)
        if ctx.needs_input_grad[1]:
            by_motion = torch.einsum("vmrc,vrc->vm", ctx.jacobian.double(), weights.double()).cpu().numpy()
            by_twist = [gradient_at_twist(each, pose) for each, pose in zip(by_motion, ctx.poses, strict=True)]
            twist_gradient = torch.from_numpy(np.stack(by_twist)).to(ctx.twist_like)
        return mu_gradient, twist_gradient, None, None, None


class Engine(Protocol):
    """Projection from tensors to tensors."""

    def project(
        self, mu: torch.Tensor, rays: Rays, motion: RayMotion | None
    ) -> tuple[torch.Tensor, torch.Tensor | None]: ...

    def backproject(self, images: torch.Tensor, rays: Rays, shape_kji: tuple[int, int, int]) -> torch.Tensor: ...


def engine_for(mu: torch.Tensor) -> Engine:
    """Kernels on the tensor's own CUDA device where Warp is installed, else the CPU backend through numpy."""
    if mu.is_cuda and any(status.usable and status.name == "warp" for status in projector_backends()):
        return DeviceEngine(str(mu.device))
    return HostEngine(choose_backend("cpu"))


class HostEngine:
    """Through numpy arrays in the computer's memory; tensors of other devices are copied."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def project(
        self, mu: torch.Tensor, rays: Rays, motion: RayMotion | None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        volume = self._backend.upload(mu.cpu().numpy())
        if motion is None:
            return torch.from_numpy(self._backend.project(volume, rays)).to(mu.device), None
        images, jacobian = self._backend.project_with_jacobian(volume, rays, motion)
        return torch.from_numpy(images).to(mu.device), torch.from_numpy(jacobian).to(mu.device)

    def backproject(self, images: torch.Tensor, rays: Rays, shape_kji: tuple[int, int, int]) -> torch.Tensor:
        voxels = self._backend.backproject(images.cpu().numpy(), rays, shape_kji)
        return torch.from_numpy(voxels).to(images.device)


class DeviceEngine:
    """Warp kernels on the tensors' own memory and on torch's current stream: no copies, no waiting.

    Results are allocated by torch, whose allocator knows the stream they are used on.
    """

    def __init__(self, device: str) -> None:
        from XRayLib.projector import warp_backend

        self._warp, self._shapes = quiet_warp(), warp_backend
        self._backend = warp_backend.WarpBackend(device)

    def _stream(self, tensor: torch.Tensor) -> AbstractContextManager[Any]:
        if not tensor.is_cuda:
            return nullcontext()
        return self._warp.ScopedStream(self._warp.stream_from_torch(torch.cuda.current_stream(tensor.device)))

    def project(
        self, mu: torch.Tensor, rays: Rays, motion: RayMotion | None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        images = mu.new_empty(self._shapes.image_shape(rays))
        on_device, jacobian = self._warp.from_torch(images), None
        with self._stream(mu):
            volume = self._backend.upload(mu)
            if motion is None:
                self._backend.project_into(volume, rays, on_device)
            else:
                jacobian = mu.new_empty(self._shapes.jacobian_shape(rays))
                into = on_device, self._warp.from_torch(jacobian)
                self._backend.project_with_jacobian_into(volume, rays, motion, *into)
        return images, jacobian

    def backproject(self, images: torch.Tensor, rays: Rays, shape_kji: tuple[int, int, int]) -> torch.Tensor:
        voxels = images.new_zeros(shape_kji)
        with self._stream(images):
            self._backend.backproject_into(self._warp.from_torch(images), rays, self._warp.from_torch(voxels))
        return voxels
