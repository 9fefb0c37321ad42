"""The patient that is expected on the films, and how far the real one may differ."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from XRayLib.ct import MU_WATER_PER_MM, Volume, resample

Array = NDArray[np.float32]

BEYOND_THE_ENDS_MM = 70.0
"""So far the body goes on above and below the expected one."""
END_FILLED_SHARE = 0.12
"""Planes across S with less matter than this are outside of the expected body."""


@dataclass(frozen=True)
class Variability:
    """How patients differ from the expected one. Two smooth random changes of the attenuation, each with a deviation in
    shares of water's and a Gaussian along S, A, R in mm; and the deviation of the logarithm of the size."""

    changes: tuple[tuple[float, tuple[float, float, float]], ...]
    size: float


MEAN_PATIENT = Variability(((1.2, (20.0, 10.0, 10.0)), (1.5, (70.0, 45.0, 45.0))), 0.12)
"""Of eight chests against the mean of the seven others (marginal likelihood of their projections)."""
OWN_CT = Variability(((0.3, (20.0, 10.0, 10.0)), (0.15, (70.0, 45.0, 45.0))), 0.01)
"""Of a patient against a CT of another day."""

FLOOR = 0.15
"""Least share of the changes: where the expected patient is all air or all soft tissue, others differ least."""


@dataclass(frozen=True, eq=False)
class PatientPrior:
    """``mean``: attenuation on coarse voxels along R, A, S. A patient is the mean plus ``shaped`` white noise,
    stretched about ``pivot`` by the exponentials of three numbers along R, A, S."""

    mean: Volume
    variability: Variability
    pivot: NDArray[np.float64]
    known: Volume
    """The part of the mean that is not continued beyond the ends of the expected patient."""

    @classmethod
    def of(cls, expected_mu: Volume, variability: Variability, spacing_mm: float) -> PatientPrior:
        """From linear attenuation along R, A, S, on voxels of about ``spacing_mm``."""
        known, endless = _continued(expected_mu)
        extent = np.array(endless.voxels.shape[::-1]) * endless.spacing_mm
        counts = np.maximum(2, np.rint(extent / spacing_mm)).astype(int)
        empty = np.zeros(counts[::-1], np.float32)
        grid = Volume.axis_aligned(empty, tuple(extent / counts), endless.center_ras_mm, endless.quantity)
        coarse = resample(endless, grid.voxels.shape, grid.ijk_to_ras)
        return cls(coarse, variability, expected_mu.center_ras_mm, known)

    @property
    def noise_shape(self) -> tuple[int, int, int, int]:
        """Of the white noise."""
        return (len(self.variability.changes), *self.mean.voxels.shape)

    def shaped(self, white: Array) -> Array:
        """The change (k, j, i) in 1/mm that white noise stands for."""
        return self._allowed() * sum(self._smooth(noise, n) for n, noise in enumerate(white))

    def shaped_adjoint(self, change: Array) -> Array:
        """The exact adjoint of ``shaped``."""
        allowed = self._allowed() * change
        return np.stack([self._smooth(allowed, n) for n in range(self.noise_shape[0])])

    def patient(self, white: Array, stretch: NDArray[np.float64]) -> Volume:
        """The patient of white noise and of three logarithms of the size along R, A, S."""
        matrix = np.eye(4)
        matrix[:3, :3] = np.diag(np.exp(stretch))
        matrix[:3, 3] = self.pivot - matrix[:3, :3] @ self.pivot
        voxels = self.mean.voxels + self.shaped(white) if white.any() else self.mean.voxels
        return Volume(voxels, matrix @ self.mean.ijk_to_ras, self.mean.quantity)

    def _allowed(self) -> Array:
        """Patients differ most where the expected one is neither air nor full: at its outlines."""
        full = np.clip(self.mean.voxels / MU_WATER_PER_MM, 0, 1)
        return (np.sqrt(full * (1 - full)) + FLOOR).astype(np.float32)

    def _smooth(self, noise: Array, n: int) -> Array:
        from scipy import ndimage

        deviation, sigmas_mm = self.variability.changes[n]
        sigmas = [mm / spacing for mm, spacing in zip(sigmas_mm, self.mean.spacing_mm[::-1], strict=True)]
        # A Gaussian of sigma voxels divides the deviation of white noise by (2 sqrt(pi) sigma)^(1/2) along each axis.
        amplitude = deviation * MU_WATER_PER_MM * np.sqrt(np.prod([2 * np.sqrt(np.pi) * max(s, 0.3) for s in sigmas]))
        return np.float32(amplitude) * ndimage.gaussian_filter(noise, sigmas, mode="constant", truncate=3.0)


def _continued(volume: Volume) -> tuple[Volume, Volume]:
    """The volume without empty planes at its ends along S; and with its last planes repeated beyond: a film shows more
    of a body than its CT, and an end of the expected patient must not be mistaken for one of the real."""
    filled = (volume.voxels > 0.5 * MU_WATER_PER_MM).mean(axis=(1, 2)) > END_FILLED_SHARE
    if not filled.any():
        return volume, volume
    first, last = np.flatnonzero(filled)[[0, -1]]
    last = max(first + 1, last)
    more = int(np.ceil(BEYOND_THE_ENDS_MM / volume.spacing_mm[2]))
    ends = (more + first, more + len(volume.voxels) - last)
    inner, outer = volume.ijk_to_ras.copy(), volume.ijk_to_ras.copy()
    inner[:3, 3] += first * inner[:3, 2]
    outer[:3, 3] -= more * outer[:3, 2]
    body = volume.voxels[first:last]
    longer = np.pad(body, (ends, (0, 0), (0, 0)), mode="edge")
    return replace(volume, voxels=body, ijk_to_ras=inner), replace(volume, voxels=longer, ijk_to_ras=outer)
