"""Pose together with what a film's own geometry may be wrong about: principal point and source distance.

The image under a changed camera is the old one shifted and scaled about the principal point, so the derivatives are
those of the projection along its rows and columns. A prior keeps what the films do not tell (one film cannot tell a
longer source distance from a CT nearer to the source, nor a shifted principal point from a shifted CT) as it is stated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from XRayLib.geometry import XRayGeometry
from XRayLib.projector.rigid import motion_from_twist

from XRayRegistrationLib.rigid.film_pyramid import Film
from XRayRegistrationLib.rigid.least_squares import Matcher, lengths_to_go
from XRayRegistrationLib.rigid.local_normalisation import LocalNormaliser
from XRayRegistrationLib.rigid.normal_equations import FEWEST_PIXELS, NormalEquations

Matrix = NDArray[np.float64]

POINT_PRIOR_MM = 10.0
"""Standard deviation of the stated principal point, on the detector."""

DISTANCE_PRIOR = 0.03
"""Relative standard deviation of the stated source distance."""

INDEPENDENT_PIXELS = 100.0
"""Residuals of about so many neighbouring pixels go together: that many fewer measurements stand against the prior."""

ITERATIONS = 20
FIRST_WINDOW_PX = 13
"""Neighbourhoods so wide draw from as far as a stated geometry is usually off."""


@dataclass(frozen=True)
class Camera:
    """What is changed of a film's geometry."""

    shift_mm: tuple[float, float] = (0.0, 0.0)
    """Of the principal point along columns and rows, on the detector."""
    distance: float = 0.0
    """Relative change of the source-to-detector distance; the source stays."""

    def __str__(self) -> str:
        return (
            f"principal point {self.shift_mm[0]:+.1f}, {self.shift_mm[1]:+.1f} mm, "
            f"source distance {100 * self.distance:+.1f} %"
        )

    def apply(self, geometry: XRayGeometry) -> XRayGeometry:
        """The geometry with this change."""
        row_mm, column_mm = geometry.pixel_spacing_mm
        column, row = geometry.principal_point_px
        scale = 1 + self.distance
        change = np.array(
            [
                [scale, 0, column * (1 - scale) + self.shift_mm[0] / column_mm],
                [0, scale, row * (1 - scale) + self.shift_mm[1] / row_mm],
                [0, 0, 1],
            ]
        )
        return replace(
            geometry,
            ras_to_pixel=change @ geometry.ras_to_pixel,
            source_to_detector_mm=geometry.source_to_detector_mm * scale,
        )


def refine_with_cameras(matchers: Sequence[Matcher], ct_to_world: Matrix) -> tuple[Matrix, tuple[Camera, ...]]:
    """Gauss-Newton over the pose and every film's camera, from a pose that is already good.

    Parameters
    ----------
    matchers : sequence of Matcher
        One after the other, from coarse to fine.
    ct_to_world : 4x4

    Returns
    -------
    The pose (4x4 ct_to_world) and one Camera per film; the start and unchanged cameras when nothing is gained.
    """
    pose, cameras = ct_to_world, tuple(Camera() for _ in matchers[0].films)
    wider = replace(matchers[0], window_px=FIRST_WINDOW_PX)
    for matcher in (wider, *matchers):
        pose, cameras = _refined(matcher, pose, cameras)
    return pose, cameras


def _refined(matcher: Matcher, pose: Matrix, cameras: tuple[Camera, ...]) -> tuple[Matrix, tuple[Camera, ...]]:
    here, lengths = _problem(matcher, pose, cameras), 1.0
    for _ in range(ITERATIONS):
        way = lengths * here.step
        new_pose = pose @ motion_from_twist(way[:6], matcher.pivot_ras_mm)
        new_cameras = tuple(
            Camera((float(c.shift_mm[0] + d[0]), float(c.shift_mm[1] + d[1])), float(c.distance + d[2]))
            for c, d in zip(cameras, way[6:].reshape(-1, 3), strict=True)
        )
        there = _problem(matcher, new_pose, new_cameras)
        if there.cost < here.cost:
            lengths = lengths_to_go(there.step, here.step, lengths, here.curvature)
            pose, cameras, here = new_pose, new_cameras, there
        elif lengths > 1:
            lengths = 1.0
        else:
            break
    return pose, cameras


class _Problem(NamedTuple):
    """Cost with the prior, the Gauss-Newton step (6 + 3 per film), and the curvature along each of its parameters."""

    cost: float
    step: Matrix
    curvature: Matrix


def _problem(matcher: Matcher, pose: Matrix, cameras: tuple[Camera, ...]) -> _Problem:
    parameters = 6 + 3 * len(cameras)
    total = NormalEquations(parameters)
    for number, (film, camera) in enumerate(zip(matcher.films, cameras, strict=True)):
        geometry = camera.apply(film.geometry).moved(pose)
        images, jacobians = matcher.projector.pose_jacobian([geometry], matcher.pivot_ras_mm)
        mask = film.mask & matcher.cut_faces.explained(geometry)
        total.open_pixels += int(film.mask.sum())
        if mask.sum() >= FEWEST_PIXELS:
            jacobian = np.zeros((parameters, *mask.shape), np.float32)
            jacobian[:6] = jacobians[0]
            jacobian[6 + 3 * number : 9 + 3 * number] = _camera_derivatives(images[0], film, geometry)
            total.add(film, images[0], jacobian, LocalNormaliser(mask, matcher.window_px))
    if not total.enough:
        return _Problem(np.inf, np.zeros(parameters), np.ones(parameters))
    values = np.array([[*camera.shift_mm, camera.distance] for camera in cameras]).ravel()
    deviations = np.tile([POINT_PRIOR_MM, POINT_PRIOR_MM, DISTANCE_PRIOR], len(cameras))
    measurements = total.pixels / INDEPENDENT_PIXELS
    precision = np.concatenate([np.zeros(6), 1 / (deviations**2 * measurements)])
    hessian = total.hessian / total.pixels + np.diag(precision)
    gradient = total.gradient / total.pixels
    gradient[6:] -= precision[6:] * values
    scale = 1 / np.sqrt(np.maximum(np.diag(hessian), 1e-30))
    step = scale * np.linalg.lstsq(hessian * np.outer(scale, scale), gradient * scale, rcond=1e-10)[0]
    return _Problem(total.mean_cost + float(precision[6:] @ values**2), step, np.diag(hessian))


def _camera_derivatives(image: NDArray[np.float32], film: Film, geometry: XRayGeometry) -> NDArray[np.float32]:
    """(3, rows, columns) change of the image per mm of shift along columns and rows, and per relative distance."""
    along_rows, along_columns = np.gradient(image)
    row_mm, column_mm = film.geometry.pixel_spacing_mm
    column, row = geometry.principal_point_px
    across = np.arange(image.shape[1]) - column
    down = np.arange(image.shape[0])[:, None] - row
    return np.stack(
        [-along_columns / column_mm, -along_rows / row_mm, -(across * along_columns + down * along_rows)]
    ).astype(np.float32)
