"""What frontal and lateral chest films look like at a glance, and how far a film is from that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SIDE_PX = 16
"""Of the glance: 26 mm wide pixels show the outline, lungs, heart and diaphragm, but no detail."""

MODEL_FILE = Path(__file__).with_name("chest_films.npz")


@dataclass(frozen=True)
class LooksOfFilms:
    """Probabilistic principal components (Tipping and Bishop, J. R. Stat. Soc. B 61(3), 1999) of glances of one role.

    ``mean`` (256,); ``basis`` (256, components), orthonormal; ``variance`` (components,); ``rest`` the variance of a
    pixel that the components leave; ``usual`` the strangeness that one film in a hundred of unknown patients exceeds.
    """

    mean: Array
    basis: Array
    variance: Array
    rest: float
    usual: float

    def strangeness(self, image: NDArray[np.float32], seen: NDArray[np.bool_]) -> float:
        """Mean squared deviation per seen pixel, in variances, over ``usual``: above 1 a film is unlike the known ones.

        ``image`` (n, n) as of ``canonical_intensity.normalised``, ``seen`` its mask. Infinite when nothing is seen.
        """
        glance, shown = glance_of(image, seen)
        if not shown.any():
            return float("inf")
        off, basis = (glance - self.mean)[shown], self.basis[shown]
        # Woodbury: the covariance is basis variance basis^T + rest, restricted to what is seen.
        inner = np.diag(1 / self.variance) + basis.T @ basis / self.rest
        part = basis.T @ off / self.rest
        squared = off @ off / self.rest - part @ np.linalg.solve(inner, part)
        return float(squared / shown.sum() / self.usual)


def glance_of(image: NDArray[np.float32], seen: NDArray[np.bool_]) -> tuple[Array, NDArray[np.bool_]]:
    """(256,) averages over coarse pixels, mean 0 and deviation 1 where seen, and (256,) where most is seen."""
    import cv2

    size, area = (SIDE_PX, SIDE_PX), cv2.INTER_AREA
    weight = cv2.resize(seen.astype(np.float32), size, interpolation=area)
    total = cv2.resize(np.where(seen, image, 0).astype(np.float32), size, interpolation=area)
    shown = (weight > 0.5).ravel()
    glance = (total / np.maximum(weight, 1e-6)).ravel().astype(float)
    if not shown.any() or glance[shown].std() < 1e-6:
        return np.zeros(SIDE_PX**2), np.zeros(SIDE_PX**2, bool)
    return (glance - glance[shown].mean()) / glance[shown].std(), shown


@cache
def chest_films() -> Mapping[str, LooksOfFilms]:
    """Of each role, "frontal" and "lateral", as fitted to simulated films of the training patients."""
    with np.load(MODEL_FILE, allow_pickle=False) as arrays:
        return {
            role: LooksOfFilms(
                *(arrays[f"{role}_{name}"].astype(float) for name in ("mean", "basis", "variance")),
                rest=float(arrays[f"{role}_rest"]),
                usual=float(arrays[f"{role}_usual"]),
            )
            for role in ("frontal", "lateral")
        }
