"""The CUDA backend: all rays of all views in one launch, the volume kept on the device."""

from __future__ import annotations

from typing import Any

import numpy as np
import warp as wp
from numpy.typing import NDArray

from XRayLib.projector import warp_kernels, warp_lines
from XRayLib.projector.backends import quiet_warp
from XRayLib.projector.rays import RayMotion, Rays

Image = NDArray[np.float32]

RAYS_PER_TILE = 32


class DeviceVolume:
    """A volume on the device: flat voxels and their (k, j, i) shape."""

    def __init__(self, voxels: wp.array, shape_kji: tuple[int, int, int]) -> None:
        self.voxels = voxels
        self.size_ijk = wp.vec3i(*shape_kji[::-1])


class WarpBackend:
    """Kernels of :mod:`warp_kernels`. Warp's own CPU device runs them too, one ray after the other, for tests.

    Parameters
    ----------
    warp_device : str, optional
        Default the current CUDA device.
    """

    name = "warp"
    device = "cuda"

    def __init__(self, warp_device: str = "cuda") -> None:
        quiet_warp()
        self._device = wp.get_device(warp_device)

    def upload(self, voxels: Any) -> DeviceVolume:
        """A (k, j, i) float32 numpy array copied to the device, or a tensor already there, which is not copied."""
        shape = tuple(voxels.shape)
        if isinstance(voxels, np.ndarray):
            return DeviceVolume(wp.array(voxels.reshape(-1), dtype=float, device=self._device), shape)
        return DeviceVolume(wp.from_torch(voxels.detach().contiguous().view(-1), dtype=wp.float32), shape)

    def project(self, volume: DeviceVolume, rays: Rays) -> Image:
        """(views, rows, columns) line integrals."""
        images = self._empty(image_shape(rays))
        self.project_into(volume, rays, images)
        return images.numpy()

    def project_into(self, volume: DeviceVolume, rays: Rays, images: wp.array) -> None:
        """As :meth:`project`, into an array on the device."""
        inputs = [volume.voxels, volume.size_ijk, *self._lines(rays)]
        wp.launch(warp_kernels.project_rays, _threads(rays), inputs, [images], device=self._device)

    def project_with_jacobian(self, volume: DeviceVolume, rays: Rays, motion: RayMotion) -> tuple[Image, Image]:
        """Line integrals and their derivatives (views, 6, rows, columns) in one pass."""
        images, jacobian = self._empty(image_shape(rays)), self._empty(jacobian_shape(rays))
        self.project_with_jacobian_into(volume, rays, motion, images, jacobian)
        return images.numpy(), jacobian.numpy()

    def project_with_jacobian_into(
        self, volume: DeviceVolume, rays: Rays, motion: RayMotion, images: wp.array, jacobian: wp.array
    ) -> None:
        """As :meth:`project_with_jacobian`, into arrays on the device."""
        inputs = [
            volume.voxels,
            volume.size_ijk,
            *self._lines(rays),
            wp.array(motion.source_ijk, dtype=wp.vec3d, device=self._device),
            wp.array(motion.pixel_to_ijk, dtype=wp.mat33d, device=self._device),
        ]
        kernel = warp_kernels.project_rays_with_jacobian
        wp.launch(kernel, _threads(rays), inputs, [images, jacobian], device=self._device)

    def backproject(self, images: Image, rays: Rays, shape_kji: tuple[int, int, int]) -> NDArray[np.float32]:
        """(k, j, i) adjoint of :meth:`project`."""
        voxels = wp.zeros(shape_kji, dtype=float, device=self._device)
        self.backproject_into(wp.array(images, dtype=float, device=self._device), rays, voxels)
        return voxels.numpy()

    def backproject_into(self, images: wp.array, rays: Rays, voxels: wp.array) -> None:
        """As :meth:`backproject`, added to an array (k, j, i) on the device."""
        inputs = [images, wp.vec3i(*voxels.shape[::-1]), *self._lines(rays)]
        wp.launch(warp_kernels.backproject_rays, _threads(rays), inputs, [voxels.flatten()], device=self._device)

    def _empty(self, shape: tuple[int, ...]) -> wp.array:
        return wp.empty(shape, dtype=float, device=self._device)

    def _lines(self, rays: Rays) -> list[wp.array]:
        return [
            wp.array(rays.source_ijk, dtype=wp.vec3d, device=self._device),
            wp.array(rays.pixel_to_ijk, dtype=wp.mat33d, device=self._device),
            wp.array(rays.pixel_to_ras, dtype=wp.mat33d, device=self._device),
        ]


def image_shape(rays: Rays) -> tuple[int, int, int]:
    """(views, rows, columns)"""
    return len(rays), rays.size_px[1], rays.size_px[0]


def jacobian_shape(rays: Rays) -> tuple[int, int, int, int]:
    """(views, 6, rows, columns)"""
    return len(rays), 6, rays.size_px[1], rays.size_px[0]


def _threads(rays: Rays) -> int:
    columns, rows = rays.size_px
    tiles = -(-columns // warp_lines.TILE_COLUMNS) * -(-rows // warp_lines.TILE_ROWS)
    return len(rays) * tiles * RAYS_PER_TILE
