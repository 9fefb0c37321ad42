"""The projector as a differentiable torch operation, in the volume and in the pose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry
from XRayLib.projector.backends import choose_backend, memory_errors
from XRayLib.projector.rays import motion_of, rays_of
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
        backend = choose_backend("auto" if mu.is_cuda else "cpu")
        poses = twist.detach().cpu().double().numpy()
        moved = [view.moved(motion_from_twist(pose, pivot)) for view, pose in zip(geometries, poses, strict=True)]
        rays = rays_of(moved, ijk_to_ras)
        jacobian = None
        with memory_errors():
            volume = backend.upload(np.ascontiguousarray(mu.detach().float().cpu().numpy()))
            if ctx.needs_input_grad[1]:
                images, jacobian = backend.project_with_jacobian(volume, rays, motion_of(rays, ijk_to_ras, pivot))
            else:
                images = backend.project(volume, rays)
        ctx.backend, ctx.rays, ctx.poses, ctx.jacobian, ctx.mu_shape = backend, rays, poses, jacobian, tuple(mu.shape)
        ctx.twist_like = twist
        return torch.from_numpy(images).to(mu)

    @staticmethod
    def backward(ctx: Any, image_gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:  # type: ignore[override]
        weights = np.ascontiguousarray(image_gradients.detach().float().cpu().numpy())
        mu_gradient = twist_gradient = None
        if ctx.needs_input_grad[0]:
            with memory_errors():
                voxels = ctx.backend.backproject(weights, ctx.rays, ctx.mu_shape)
            mu_gradient = torch.from_numpy(voxels).to(image_gradients)
        if ctx.needs_input_grad[1]:
            by_motion = np.einsum("vmrc,vrc->vm", ctx.jacobian, weights, dtype=np.float64)
            by_twist = [gradient_at_twist(each, pose) for each, pose in zip(by_motion, ctx.poses, strict=True)]
            twist_gradient = torch.from_numpy(np.stack(by_twist)).to(ctx.twist_like)
        return mu_gradient, twist_gradient, None, None, None
