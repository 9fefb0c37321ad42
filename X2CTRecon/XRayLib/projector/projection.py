"""Forward projection, adjoint and pose derivatives of a volume: one function each, whatever computes them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry
from XRayLib.projector.rays import rays_of


def project(volume_mu: Volume, geometries: Sequence[XRayGeometry], *, device: str = "auto") -> NDArray[np.float32]:
    """Line integrals of a volume along the rays of every view: digitally reconstructed radiographs.

    Parameters
    ----------
    volume_mu : Volume
        Linear attenuation, quantity "mu_per_mm"; zero outside its voxels.
    geometries : sequence of XRayGeometry
        All of one ``size_px``. Rays are half-lines from the source: what lies behind the source does not count.
    device : "auto", "cpu" or "cuda"

    Returns
    -------
    (views, rows, columns) float32, dimensionless

    Raises
    ------
    InputError
        No views, views of several sizes, a volume in other units, or voxels that are not numbers.
    """
    from XRayLib.projector import joseph_numba

    _check_device(device)
    columns, rows = _size_of(geometries)
    voxels = volume_mu.voxels
    flat = voxels.reshape(-1)
    images = np.zeros((len(geometries), rows, columns), np.float32)
    tasks = []
    for geometry, image in zip(geometries, images, strict=True):
        rays = rays_of(geometry, volume_mu.ijk_to_ras)
        for first in range(0, rows, 8):
            tasks.append(
                (
                    flat,
                    voxels.shape,
                    rays.source_ijk,
                    rays.pixel_to_ijk,
                    rays.pixel_to_ras,
                    first,
                    min(first + 8, rows),
                    image,
                )
            )
    _run(joseph_numba.project_rows, tasks)
    return images


def backproject(
    images: NDArray[np.float32], geometries: Sequence[XRayGeometry], like: Volume, *, device: str = "auto"
) -> NDArray[np.float32]:
    """The exact adjoint of :func:`project`: spread every pixel along its ray with the weights that project gathers.

    Parameters
    ----------
    images : (views, rows, columns)
    geometries : sequence of XRayGeometry, one per image
    like : Volume
        Its grid is the grid of the result; its voxels are not read.

    Returns
    -------
    (k, j, i) float32, in units of the images times mm
    """
    from XRayLib.projector import joseph_numba

    _check_device(device)
    columns, rows = _size_of(geometries)
    images = np.ascontiguousarray(images, np.float32)
    if images.shape != (len(geometries), rows, columns):
        raise InputError(f"Expected images of shape {(len(geometries), rows, columns)}, got {images.shape}.")
    if not np.isfinite(images).all():
        raise InputError("The images contain values that are not numbers (NaN or infinity).")
    shape = like.voxels.shape
    voxels = np.zeros(shape, np.float32)
    flat = voxels.reshape(-1)
    for geometry, image in zip(geometries, images, strict=True):
        rays = rays_of(geometry, like.ijk_to_ras)
        for axis in range(3):
            size = shape[2 - axis]
            tasks = [
                (
                    image,
                    shape,
                    rays.source_ijk,
                    rays.pixel_to_ijk,
                    rays.pixel_to_ras,
                    axis,
                    first,
                    min(first + 16, size),
                    flat,
                )
                for first in range(0, size, 16)
            ]
            _run(joseph_numba.backproject_planes, tasks)
    return voxels


def _check_device(device: str) -> None:
    if device not in ("auto", "cpu", "cuda"):
        raise InputError(f"The device must be auto, cpu or cuda, not '{device}'.")


def _size_of(geometries: Sequence[XRayGeometry]) -> tuple[int, int]:
    if not geometries:
        raise InputError("Projection needs at least one view.")
    sizes = {geometry.size_px for geometry in geometries}
    if len(sizes) > 1:
        raise InputError(f"All views of one projection must have the same size, these have {sorted(sizes)}.")
    return sizes.pop()


def _run(kernel: Callable[..., None], tasks: list[tuple]) -> None:
    with ThreadPoolExecutor(min(len(tasks), os.cpu_count() or 1)) as pool:
        for future in [pool.submit(kernel, *task) for task in tasks]:
            future.result()
