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
        return self.project_on_device(volume, rays).numpy()

    def project_on_device(self, volume: DeviceVolume, rays: Rays) -> wp.array:
        """As :meth:`project`, left on the device."""
        images = wp.empty(self._image_shape(rays), dtype=float, device=self._device)
        inputs = [volume.voxels, volume.size_ijk, *self._lines(rays)]
        wp.launch(warp_kernels.project_rays, self._threads(rays), inputs, [images], device=self._device)
        return images

    def project_with_jacobian(self, volume: DeviceVolume, rays: Rays, motion: RayMotion) -> tuple[Image, Image]:
        """Line integrals and their derivatives (views, 6, rows, columns) in one pass."""
        images, jacobian = self.project_with_jacobian_on_device(volume, rays, motion)
        return images.numpy(), jacobian.numpy()

    def project_with_jacobian_on_device(
        self, volume: DeviceVolume, rays: Rays, motion: RayMotion
    ) -> tuple[wp.array, wp.array]:
        """As :meth:`project_with_jacobian`, left on the device."""
        views, rows, columns = self._image_shape(rays)
        images = wp.empty((views, rows, columns), dtype=float, device=self._device)
        jacobian = wp.empty((views, 6, rows, columns), dtype=float, device=self._device)
        inputs = [
            volume.voxels,
            volume.size_ijk,
            *self._lines(rays),
            wp.array(motion.source_ijk, dtype=wp.vec3d, device=self._device),
            wp.array(motion.pixel_to_ijk, dtype=wp.mat33d, device=self._device),
        ]
        kernel = warp_kernels.project_rays_with_jacobian
        wp.launch(kernel, self._threads(rays), inputs, [images, jacobian], device=self._device)
        return images, jacobian

    def backproject(self, images: Image, rays: Rays, shape_kji: tuple[int, int, int]) -> NDArray[np.float32]:
        """(k, j, i) adjoint of :meth:`project`."""
        on_device = wp.array(images, dtype=float, device=self._device)
        return self.backproject_on_device(on_device, rays, shape_kji).numpy().reshape(shape_kji)

    def backproject_on_device(self, images: wp.array, rays: Rays, shape_kji: tuple[int, int, int]) -> wp.array:
        """As :meth:`backproject`, flat and left on the device."""
        voxels = wp.zeros(int(np.prod(shape_kji)), dtype=float, device=self._device)
        inputs = [images, wp.vec3i(*shape_kji[::-1]), *self._lines(rays)]
        wp.launch(warp_kernels.backproject_rays, self._threads(rays), inputs, [voxels], device=self._device)
        return voxels

    def _lines(self, rays: Rays) -> list[wp.array]:
        return [
            wp.array(rays.source_ijk, dtype=wp.vec3d, device=self._device),
            wp.array(rays.pixel_to_ijk, dtype=wp.mat33d, device=self._device),
            wp.array(rays.pixel_to_ras, dtype=wp.mat33d, device=self._device),
        ]

    @staticmethod
    def _image_shape(rays: Rays) -> tuple[int, int, int]:
        return len(rays), rays.size_px[1], rays.size_px[0]

    @staticmethod
    def _threads(rays: Rays) -> int:
        columns, rows = rays.size_px
        tiles = -(-columns // warp_lines.TILE_COLUMNS) * -(-rows // warp_lines.TILE_ROWS)
        return len(rays) * tiles * RAYS_PER_TILE
