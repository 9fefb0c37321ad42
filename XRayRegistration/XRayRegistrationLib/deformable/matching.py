"""How well a deformed CT matches the films at one resolution, and how that changes with every parameter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from XRayLib.case import SurfaceMesh
from XRayLib.errors import InputError
from XRayLib.projector import Projector

from XRayRegistrationLib.deformable.body_motion import BodyMotion
from XRayRegistrationLib.deformable.organ_attention import attentive
from XRayRegistrationLib.deformable.organ_volume import VolumeChange, volume_change
from XRayRegistrationLib.deformable.volume_levels import VolumeLevel
from XRayRegistrationLib.rigid.cut_faces import CutFaces
from XRayRegistrationLib.rigid.film_pyramid import Film
from XRayRegistrationLib.rigid.local_normalisation import LocalNormaliser
from XRayRegistrationLib.rigid.normal_equations import FEWEST_PIXELS, NormalEquations

Matrix = NDArray[np.float64]

CORRELATED_PIXELS = 10.0
"""Residuals of so many neighbouring pixels count as one observation: what CT and film show differently is extended."""

SMALLEST_RESIDUAL = 0.02
"""Variance that no match falls below: films and CT never agree better."""

SMALLEST_DETERMINANT = 0.05
"""Volume that no part of the body may shrink below, relative to what it was: 0 would be a fold."""


@dataclass(frozen=True)
class DeformedState:
    """Parameters with how well they match and the normal equations there, per unit of signal."""

    parameters: Matrix
    cost: float
    """Mean robust residual of the pixels that the CT explains; infinite when it does not meet the films or folds."""
    similarity: float
    hessian: Matrix
    gradient: Matrix
    signal: float
    """Number of pixels, by their share of signal."""
    volume: VolumeChange
    """Of the organ that keeps its volume; none without one."""

    @property
    def observations(self) -> float:
        """Independent observations over their variance: what the cost must be multiplied with to be a likelihood."""
        return self.signal / CORRELATED_PIXELS / max(self.cost, SMALLEST_RESIDUAL)


@dataclass(frozen=True)
class DeformedMatcher:
    """One resolution: the CT, the films, the size of the neighbourhoods that are compared, and what may move."""

    level: VolumeLevel
    films: Sequence[Film]
    cut_faces: CutFaces
    window_px: int
    motion: BodyMotion
    device: str = "auto"

    def of_views(self, numbers: Sequence[int]) -> DeformedMatcher:
        """The same with some of the films only."""
        return replace(self, films=tuple(self.films[n] for n in numbers))

    def of_motion(self, motion: BodyMotion) -> DeformedMatcher:
        """The same with another motion."""
        return replace(self, motion=motion)

    def attending_to(self, organ: SurfaceMesh, ct_to_world: Matrix) -> DeformedMatcher:
        """The same with pixels counted by how near they are to the organ."""
        return replace(self, films=tuple(attentive(film, organ, ct_to_world) for film in self.films))

    def match(self, parameters: Matrix, with_slopes: bool = True) -> DeformedState:
        """The state at these parameters; without slopes its normal equations are empty, for a fraction of the time."""
        motion = self.motion
        field = motion.field(parameters)
        if field.jacobian_determinants().min() < SMALLEST_DETERMINANT:
            return _unusable(parameters)
        derivatives = motion.derivatives(parameters) if with_slopes else []
        volume = VolumeChange(0.0, np.zeros(len(parameters)))
        if motion.incompressible is not None:
            try:
                volume = volume_change(motion.incompressible, field, derivatives, len(parameters))
            except InputError:
                return _unusable(parameters)
        now = self.level.deformed(field)
        projector = Projector(now.attenuation, device=self.device)
        pose = motion.ct_to_world(parameters)
        geometries = [film.geometry.moved(pose) for film in self.films]
        total = _Sums(motion.number if with_slopes else 0)
        for film, geometry in zip(self.films, geometries, strict=True):
            mask = film.mask & self.cut_faces.explained(geometry)
            if mask.sum() < FEWEST_PIXELS:
                continue
            if with_slopes:
                image, by_pose = (found[0] for found in projector.pose_jacobian([geometry], motion.pivot_ras_mm))
                jacobian = np.concatenate([by_pose, now.changes(derivatives, geometry, mask)])
            else:
                image = projector.project([geometry])[0]
                jacobian = np.zeros((0, *image.shape), np.float32)
            total.add(film, image, jacobian, LocalNormaliser(mask, self.window_px))
        return total.state(parameters, volume) if total.enough else _unusable(parameters)


class _Sums(NormalEquations):
    """The normal equations of a rigid match, for any number of parameters."""

    def state(self, parameters: Matrix, volume: VolumeChange) -> DeformedState:
        """What was summed, per unit of signal."""
        return DeformedState(
            parameters,
            self.mean_cost,
            self.similarity,
            self.hessian / self._signal,
            self.gradient / self._signal,
            self._signal,
            volume,
        )


def _unusable(parameters: Matrix) -> DeformedState:
    size = len(parameters)
    nothing = np.zeros(size)
    return DeformedState(parameters, np.inf, 0.0, np.eye(size), nothing, 0.0, VolumeChange(0.0, nothing))
