"""What X-rays cannot say about a volume: how much of a change at each place they leave open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from XRayLib.ct import MU_WATER_PER_MM, Volume, attenuation_from_hu
from XRayLib.errors import InputError
from XRayLib.radiograph import Radiograph
from XRayLib.tomography.conjugate_gradients import damped_least_squares
from XRayLib.tomography.films import FILM_DEVIATION, films_at
from XRayLib.tomography.lengthwise import crossing_lengthwise
from XRayLib.tomography.system import ProjectionSystem

Array = NDArray[np.float32]

QUANTITY = "undetermined_share"

VOXELS_ALONG_THE_LONGEST_SIDE = 32
CHANGE_SIGMA_VOXELS = 1.0
"""Standard deviation of the Gaussian that makes a random change smooth."""
CHANGE_SIZE_VOXELS = 2.355 * CHANGE_SIGMA_VOXELS * 2**0.5
"""Full width at half maximum of the change's autocorrelation."""
CHANGE_DEVIATION_PER_MM = 0.004
"""Standard deviation of the change: 200 HU."""
PIXELS_PER_VOXEL = 1.4
PROBES, STEPS = 10, 25
NEIGHBOURHOOD_VOXELS = 1.5
"""Over which the probes are averaged, besides over each other."""
BODY_ABOVE_PER_MM = 0.3 * MU_WATER_PER_MM


@dataclass(frozen=True, eq=False)
class Undetermined:
    """``volume``: share 0..1 at each place, 0 outside of the body; ``mean``: over the body; ``size_mm``: of what."""

    volume: Volume
    mean: float
    size_mm: float

    @property
    def statement(self) -> str:
        """For the user."""
        return (
            f"Of changes about {self.size_mm:.0f} mm in size, these X-rays leave on average {100 * self.mean:.0f} % "
            "undetermined, of smaller ones more: there the volume shows what is usual in other patients or what a "
            "method prefers, not what was measured in this one."
        )


def undetermined(
    volume_hu: Volume,
    radiographs: Sequence[Radiograph],
    *,
    device: str = "auto",
    seed: int = 0,
    progress: Callable[[float, str], None] = lambda _fraction, _stage: None,
) -> Undetermined:
    """The share of the variance of a smooth random change that least squares cannot recover from its projections.

    With changes x = S w of white noise w and projections A x with errors of deviation e, the best linear estimate is
    S M w with M = (B + e^2)^-1 B, B = S' A' A S, and the share of the variance at a place v that it explains is
    (S M S')_vv / (S S')_vv, which is the diagonal of the resolution matrix of linear Bayesian inversion (A. Tarantola,
    Inverse Problem Theory, SIAM 2005, section 3.2). Both diagonals are estimated from random changes (M. F. Hutchinson,
    Commun. Stat. Simul. 18, 1989) that are projected into the views and reconstructed from that alone by conjugate
    gradients, on voxels of a thirty-second of the volume's longest side, and averaged over neighbouring voxels.

    It depends on where the X-rays were taken and what of them is masked, not on the method, and on the volume only by
    the extent of the body.

    Parameters
    ----------
    volume_hu : in HU, in the RAS frame of the radiographs' geometries.
    radiographs : at least one.

    Raises
    ------
    InputError
        For no film, films that show nothing, a volume without a body or a source inside it.
    """
    from scipy import ndimage

    if not radiographs:
        raise InputError("Add the X-rays of the volume first.")
    body, grid, spacing_mm = _coarse_body(volume_hu)
    if not body.any():
        raise InputError("The volume holds no body (nothing above -700 HU): choose one in Hounsfield units.")
    films = films_at(radiographs, spacing_mm / PIXELS_PER_VOXEL)
    root = np.sqrt(films.weights * crossing_lengthwise(grid, films, device))
    system = ProjectionSystem(grid, films, device)
    scale = CHANGE_DEVIATION_PER_MM * float(2 * np.sqrt(np.pi) * CHANGE_SIGMA_VOXELS) ** 1.5
    allowed = np.float32(scale) * body.astype(np.float32)

    def shaped(white: Array) -> Array:
        return allowed * ndimage.gaussian_filter(white, CHANGE_SIGMA_VOXELS, mode="constant")

    def shaped_adjoint(change: Array) -> Array:
        return ndimage.gaussian_filter(allowed * change, CHANGE_SIGMA_VOXELS, mode="constant")

    rng = np.random.default_rng(seed)
    recovered, variance = np.zeros(body.shape), np.zeros(body.shape)
    for probe in range(PROBES):
        progress(probe / PROBES, "Finding what the X-rays leave open")
        change = shaped(rng.standard_normal(body.shape).astype(np.float32))
        white, _ = damped_least_squares(
            lambda w: root * system.forward(shaped(w)),
            lambda images: shaped_adjoint(system.adjoint(root * images)),
            root * system.forward(change),
            steps=STEPS,
            damping=FILM_DEVIATION**2,
        )
        recovered += change * shaped(white)
        variance += change**2
    near = [ndimage.gaussian_filter(sums, NEIGHBOURHOOD_VOXELS, mode="nearest") for sums in (recovered, variance)]
    share = np.where(body, 1 - np.clip(near[0] / np.maximum(near[1], 1e-12), 0, 1), 0).astype(np.float32)
    return Undetermined(
        Volume(share, grid.ijk_to_ras, QUANTITY), float(share[body].mean()), spacing_mm * CHANGE_SIZE_VOXELS
    )


def _coarse_body(volume_hu: Volume) -> tuple[NDArray[np.bool_], Volume, float]:
    """Where the body is on coarse cubic voxels, the empty grid of attenuation and its spacing."""
    from scipy import ndimage

    from XRayLib.ct import resample

    extent_mm = np.array(volume_hu.voxels.shape[::-1]) * volume_hu.spacing_mm
    spacing_mm = float(extent_mm.max()) / VOXELS_ALONG_THE_LONGEST_SIDE
    counts = np.maximum(np.rint(extent_mm / spacing_mm), 2).astype(int)
    directions = volume_hu.ijk_to_ras[:3, :3] / volume_hu.spacing_mm
    matrix = np.eye(4)
    matrix[:3, :3] = directions * (extent_mm / counts)
    matrix[:3, 3] = volume_hu.center_ras_mm - matrix[:3, :3] @ ((counts - 1) / 2)
    attenuation = Volume(attenuation_from_hu(volume_hu.voxels), volume_hu.ijk_to_ras, "mu_per_mm")
    coarse = resample(attenuation, tuple(int(count) for count in counts[::-1]), matrix).voxels
    dense = np.pad(ndimage.binary_closing(coarse > BODY_ABOVE_PER_MM), 1)
    body = np.stack([ndimage.binary_fill_holes(plane) for plane in dense])[1:-1, 1:-1, 1:-1]
    return body, Volume(np.zeros_like(coarse), matrix, "mu_per_mm"), spacing_mm
