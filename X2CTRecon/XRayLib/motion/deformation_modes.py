"""A few modes that most of a patient's motion is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from XRayLib.errors import InputError
from XRayLib.motion.displacement_field import DisplacementField

if TYPE_CHECKING:
    from XRayLib.motion.motion_model import MotionModel

MODE_GRID_MM = 8.0


@dataclass(frozen=True, eq=False)
class DeformationModes:
    """Principal components of many random states, of the field and of the organ's vertices together.

    One coefficient of each mode, in standard deviations, gives both; over the random states they have mean 0,
    deviation 1 and no correlation.
    """

    mean_mm: NDArray[np.float32]
    """(k, j, i, 3): u, from now to the CT, RAS mm."""
    modes_mm: NDArray[np.float32]
    """(modes, k, j, i, 3) for one standard deviation."""
    ijk_to_ras: NDArray[np.float64]
    organ_mean_mm: NDArray[np.float32]
    """(vertices, 3): from the CT to now, RAS mm."""
    organ_modes_mm: NDArray[np.float32]
    """(modes, vertices, 3)."""
    explained: NDArray[np.float64]
    """Share of the variance in each mode."""

    @property
    def count(self) -> int:
        """How many modes."""
        return len(self.modes_mm)

    def field(self, coefficients: ArrayLike) -> DisplacementField:
        """The field of the coefficients (modes,) on the modes' grid."""
        vectors = self.mean_mm + np.tensordot(self._checked(coefficients), self.modes_mm, axes=1)
        return DisplacementField(vectors, self.ijk_to_ras)

    def organ_displacement_mm(self, coefficients: ArrayLike) -> NDArray[np.float32]:
        """How far the organ's vertices have moved from where they are in the CT: (vertices, 3)."""
        return self.organ_mean_mm + np.tensordot(self._checked(coefficients), self.organ_modes_mm, axes=1)

    def organ_coefficients(self, displacement_mm: NDArray[np.floating]) -> NDArray[np.float32]:
        """The coefficients (modes,) that come nearest to displaced vertices, least squares."""
        basis = self.organ_modes_mm.reshape(self.count, -1).T.astype(float)
        rest = (np.asarray(displacement_mm, float) - self.organ_mean_mm).ravel()
        return np.linalg.lstsq(basis, rest, rcond=None)[0].astype(np.float32)

    def _checked(self, coefficients: ArrayLike) -> NDArray[np.float32]:
        values = np.asarray(coefficients, np.float32)
        if values.shape != (self.count,):
            raise InputError(f"Expected {self.count} coefficients, one for each mode of deformation.")
        return values


def deformation_modes(
    model: MotionModel,
    count: int,
    rng: np.random.Generator,
    *,
    states: int = 256,
    spacing_mm: float = MODE_GRID_MM,
) -> DeformationModes:
    """Principal components of ``states`` random states, field and organ weighted alike.

    Parameters
    ----------
    count : number of modes, fewer than ``states``.
    spacing_mm : of the grid of the fields.
    """
    if not 1 <= count < states:
        raise InputError("Choose fewer modes than states, and at least one.")
    drawn = [model.random_state(rng) for _ in range(states)]
    first = drawn[0].field
    step = spacing_mm / model.ct.spacing_mm[0]
    shape = tuple(max(2, int(np.ceil((n - 1) / step)) + 1) for n in first.vectors_mm.shape[:3])
    matrix = first.ijk_to_ras @ np.diag([step, step, step, 1.0])
    fields = np.stack([state.field.on_grid(shape, matrix).vectors_mm.ravel() for state in drawn])
    start = np.asarray(model.organ.points)
    organs = np.stack([(state.organ.points - start).ravel() for state in drawn]).astype(np.float32)
    field_mean, organ_mean = fields.mean(axis=0), organs.mean(axis=0)
    fields -= field_mean
    organs -= organ_mean
    # The eigenvectors of the small matrix of inner products are the coefficients (Sirovich, Q Appl Math 45:561, 1987).
    products = sum((block @ block.T).astype(float) / np.square(block, dtype=float).sum() for block in (fields, organs))
    values, vectors = np.linalg.eigh(products)
    scores = vectors[:, ::-1][:, :count] * np.sqrt(states - 1)
    return DeformationModes(
        mean_mm=field_mean.reshape(*shape, 3),
        modes_mm=_for_one_deviation(fields, scores).reshape(count, *shape, 3),
        ijk_to_ras=matrix,
        organ_mean_mm=organ_mean.reshape(-1, 3),
        organ_modes_mm=_for_one_deviation(organs, scores).reshape(count, -1, 3),
        explained=values[::-1][:count] / values.sum(),
    )


def _for_one_deviation(states: NDArray[np.float32], scores: NDArray[np.float64]) -> NDArray[np.float32]:
    """Regression of the states (states, values) on the scores (states, modes), which are uncorrelated."""
    return (scores.T.astype(np.float32) @ states) / np.float32(len(states) - 1)
