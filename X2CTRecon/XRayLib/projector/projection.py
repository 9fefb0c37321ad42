"""Forward projection, its adjoint and its pose derivatives: one function each, whatever computes them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry
from XRayLib.projector.backends import choose_backend, memory_errors
from XRayLib.projector.rays import motion_of, rays_of

Image = NDArray[np.float32]


class Projector:
    """A volume kept on a device, to be projected many times.

    The attenuation is trilinear between voxel centres and ends at the outermost ones (an axis of a single voxel counts
    with the voxel's thickness). Rays are half-lines from the source: what lies behind the source does not count, what
    lies behind the detector does, so an assumed source distance cannot cut the patient.

    Parameters
    ----------
    volume_mu : Volume
        Quantity "mu_per_mm".
    device : "auto", "cpu" or "cuda"

    Raises
    ------
    InputError
        For a volume in other units or with more than 2^31 voxels.
    OutOfMemoryError, MissingDependencyError
        When the device cannot hold the volume or cannot be used.

    Examples
    --------
    >>> projector = Projector(volume_mu)
    >>> images, jacobian = projector.pose_jacobian(geometries)
    """

    def __init__(self, volume_mu: Volume, *, device: str = "auto") -> None:
        if volume_mu.quantity != "mu_per_mm":
            raise InputError(
                f"The projector needs a volume in mu_per_mm (linear attenuation), this one is in {volume_mu.quantity}."
            )
        self._backend = choose_backend(device)
        voxels, self._ijk_to_ras = _with_two_planes(volume_mu.voxels, volume_mu.ijk_to_ras)
        self._pivot = volume_mu.center_ras_mm
        with memory_errors():
            self._volume = self._backend.upload(voxels)

    @property
    def backend(self) -> str:
        """Name of the implementation in use."""
        return self._backend.name

    def project(self, geometries: Sequence[XRayGeometry]) -> Image:
        """Line integrals (views, rows, columns) float32; see :func:`project`."""
        rays = rays_of(geometries, self._ijk_to_ras)
        with memory_errors():
            images = self._backend.project(self._volume, rays)
        return _finite(images)

    def pose_jacobian(
        self, geometries: Sequence[XRayGeometry], pivot_ras_mm: ArrayLike | None = None
    ) -> tuple[Image, Image]:
        """Images and their derivatives (views, 6, rows, columns); see :func:`pose_jacobian`."""
        pivot = self._pivot if pivot_ras_mm is None else np.asarray(pivot_ras_mm, float)
        rays = rays_of(geometries, self._ijk_to_ras)
        with memory_errors():
            images, jacobian = self._backend.project_with_jacobian(
                self._volume, rays, motion_of(rays, self._ijk_to_ras, pivot)
            )
        return _finite(images), jacobian


def project(volume_mu: Volume, geometries: Sequence[XRayGeometry], *, device: str = "auto") -> Image:
    """Line integrals of a volume along the rays of every view: digitally reconstructed radiographs.

    Joseph's method (IEEE TMI 1(3):192-196, 1982) on every backend: samples on the voxel planes across the ray's main
    axis, bilinear in the plane, trapezoidal rule between the ray's ends. Conventions of :class:`Projector`.

    Parameters
    ----------
    volume_mu : Volume
        Linear attenuation, quantity "mu_per_mm"; any invertible ``ijk_to_ras``.
    geometries : sequence of XRayGeometry
        All of one ``size_px``, in the RAS frame of the volume.
    device : "auto", "cpu" or "cuda"

    Returns
    -------
    (views, rows, columns) float32, dimensionless

    Raises
    ------
    InputError
        No views, views of several sizes, a volume in other units, or voxels on the rays that are not numbers.
    OutOfMemoryError, MissingDependencyError
        When the device cannot hold the volume or cannot be used.
    """
    return Projector(volume_mu, device=device).project(geometries)


def backproject(
    images: NDArray[np.float32], geometries: Sequence[XRayGeometry], like: Volume, *, device: str = "auto"
) -> Image:
    """The exact adjoint of :func:`project`: spread every pixel along its ray with the weights that project gathers.

    Parameters
    ----------
    images : (views, rows, columns)
    geometries : sequence of XRayGeometry, one per image
    like : Volume
        Its grid is the grid of the result; its voxels are not read.

    Returns
    -------
    (k, j, i) float32, in units of the images times mm; also the gradient of a function of the projections with respect
    to the volume, when ``images`` is its gradient with respect to them.
    """
    backend = choose_backend(device)
    _, ijk_to_ras = _with_two_planes(np.broadcast_to(np.float32(0), like.voxels.shape), like.ijk_to_ras)
    rays = rays_of(geometries, ijk_to_ras)
    images = _images_of(images, rays.size_px, len(rays))
    shape = tuple(max(2, size) for size in like.voxels.shape)
    with memory_errors():
        voxels = backend.backproject(images, rays, shape)
    for axis, size in enumerate(like.voxels.shape):
        if size == 1:
            voxels = voxels.sum(axis=axis, keepdims=True)
    return voxels


def pose_jacobian(
    volume_mu: Volume,
    geometries: Sequence[XRayGeometry],
    pivot_ras_mm: ArrayLike | None = None,
    *,
    device: str = "auto",
) -> tuple[Image, Image]:
    """Images and how they change when the volume moves, in one pass over the volume.

    The volume moves by x -> pivot + R(w) (x - pivot) + t; ``twist`` = (w, t) with w a rotation vector (rad) and t a
    translation (mm), both in RAS. The derivative is that of the discrete projection itself, not of a smoothed one.

    Parameters
    ----------
    volume_mu, geometries, device
        As for :func:`project`.
    pivot_ras_mm : (3,), optional
        Default the middle of the volume.

    Returns
    -------
    images : (views, rows, columns) float32
    jacobian : (views, 6, rows, columns) float32
        d image / d twist at twist 0: per rad for the first three, per mm for the last three.
    """
    return Projector(volume_mu, device=device).pose_jacobian(geometries, pivot_ras_mm)


def pose_gradient(
    volume_mu: Volume,
    geometries: Sequence[XRayGeometry],
    image_gradients: NDArray[np.float32],
    pivot_ras_mm: ArrayLike | None = None,
    *,
    device: str = "auto",
) -> tuple[Image, NDArray[np.float64]]:
    """Images, and the gradient of a function of the images with respect to the volume's twist, one per view.

    Parameters
    ----------
    image_gradients : (views, rows, columns)
        Derivative of the function with respect to each pixel. One rigid volume seen in several views has the sum of the
        views' gradients.
    volume_mu, geometries, pivot_ras_mm, device
        As for :func:`pose_jacobian`.

    Returns
    -------
    images : (views, rows, columns) float32
    gradient : (views, 6) float64
    """
    images, jacobian = pose_jacobian(volume_mu, geometries, pivot_ras_mm, device=device)
    weights = _images_of(image_gradients, geometries[0].size_px, len(geometries))
    return images, np.einsum("vmrc,vrc->vm", jacobian, weights, dtype=np.float64)


def _with_two_planes(
    voxels: NDArray[np.float32], ijk_to_ras: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """The volume with every single-voxel axis as two planes half a voxel before and behind: a slab of its thickness."""
    if voxels.size >= 2**31:
        raise InputError("The volume has more than 2^31 voxels: resample it to a coarser grid.")
    matrix = ijk_to_ras.copy()
    for axis, size in enumerate(voxels.shape):
        if size == 1:
            voxels = np.repeat(voxels, 2, axis=axis)
            matrix[:3, 3] -= 0.5 * matrix[:3, 2 - axis]
    return voxels, matrix


def _images_of(images: NDArray[np.float32], size_px: tuple[int, int], views: int) -> Image:
    images = np.ascontiguousarray(images, np.float32)
    expected = (views, size_px[1], size_px[0])
    if images.shape != expected:
        raise InputError(f"Expected one image per view, {expected} as (views, rows, columns); got {images.shape}.")
    if not np.isfinite(images).all():
        raise InputError("The images contain values that are not numbers (NaN or infinity).")
    return images


def _finite(images: Image) -> Image:
    if not np.isfinite(images).all():
        raise InputError("The volume contains voxels that are not numbers (NaN or infinity): repair or mask them.")
    return images
