"""Points picked in the CT and on the films, paired by label or by order, and how well a pose brings them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from XRayLib.case import Landmarks
from XRayLib.geometry import XRayGeometry

FEWEST_PAIRS = 3
"""Three points seen on one film determine a pose up to a few solutions, four and more determine it."""


@dataclass(frozen=True)
class PickedPoints:
    """Points in the order in which they were picked: ``labels`` and ``coordinates`` (N, 3) RAS mm or (N, 2) pixels."""

    labels: tuple[str, ...]
    coordinates: NDArray[np.float64]


def pair_landmarks(ct: PickedPoints, films: Sequence[PickedPoints]) -> Landmarks:
    """The points of the CT with the pixel of each on every film, NaN where it was not picked.

    Points of a film without a partner in the CT are left out, see :func:`partners`.
    """
    pixels = np.full((len(films), len(ct.labels), 2), np.nan)
    for view, film in enumerate(films):
        for index, row in enumerate(partners(ct.labels, film.labels)):
            if row is not None:
                pixels[view, row] = film.coordinates[index]
    return Landmarks(np.asarray(ct.coordinates, float).reshape(-1, 3), pixels, ct.labels)


def partners(ct_labels: Sequence[str], film_labels: Sequence[str]) -> list[int | None]:
    """Index of the CT's point for each point of a film, None for one without.

    Points of the same label are partners; what is left on both sides pairs in the order in which it was picked: a
    point that is picked anew gets a new label. Labels that come twice tell nothing: then all pair by order.
    """
    is_unique = len(set(ct_labels)) == len(ct_labels) and len(set(film_labels)) == len(film_labels)
    named = {label: row for row, label in enumerate(ct_labels)} if is_unique else {}
    left = iter([row for row, label in enumerate(ct_labels) if not named or label not in film_labels])
    return [named[label] if label in named else next(left, None) for label in film_labels]


def pair_counts(landmarks: Landmarks) -> list[int]:
    """Number of pairs per view."""
    return [int(np.isfinite(view).all(axis=1).sum()) for view in landmarks.pixels]


def is_enough(landmarks: Landmarks) -> bool:
    """Whether one view at least has the pairs that a pose needs."""
    return max(pair_counts(landmarks), default=0) >= FEWEST_PAIRS


def landmark_distances_mm(
    landmarks: Landmarks, geometries: Sequence[XRayGeometry], ct_to_world: ArrayLike
) -> NDArray[np.float64]:
    """(views, points) distance in mm, at the point's depth, between each CT point and the ray through its pixel.

    NaN where a point was not picked or lies behind the source. ``geometries`` are in world RAS.
    """
    pose = np.asarray(ct_to_world, float)
    points = landmarks.ct_ras_mm @ pose[:3, :3].T + pose[:3, 3]
    distances = np.full(landmarks.pixels.shape[:2], np.nan)
    if not len(points):
        return distances
    for view, geometry in enumerate(geometries):
        rows = geometry.pixel_to_ras
        ends = landmarks.pixels[view] @ rows[:3, :2].T + rows[:3, 3]
        rays = ends - geometry.source_ras_mm
        rays /= np.linalg.norm(rays, axis=1, keepdims=True)
        from_source = points - geometry.source_ras_mm
        along = np.einsum("ni,ni->n", from_source, rays)
        off_ray = np.linalg.norm(from_source - along[:, None] * rays, axis=1)
        distances[view] = np.where(geometry.depth_mm(points) > 0, off_ray, np.nan)
    return distances
