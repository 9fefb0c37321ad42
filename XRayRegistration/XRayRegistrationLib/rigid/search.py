"""Start poses without training: coarse projections at a grid of orientations and depths, placed by correlation.

Shifts across the view cost no projections: each projection is made on a detector wider than the film and correlated
with it at all shifts at once (masked normalised cross-correlation in Fourier space: D. Padfield, IEEE TIP 21(5), 2012).
With several views, a position in space is scored by the sum of what every view says of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from XRayLib.geometry import XRayGeometry
from XRayLib.metrics.pose import rotation_error_deg
from XRayLib.projector.rigid import motion_from_twist

from XRayRegistrationLib.rigid.film_pyramid import Film
from XRayRegistrationLib.rigid.least_squares import Matcher
from XRayRegistrationLib.rigid.local_normalisation import LocalNormaliser

Matrix = NDArray[np.float64]

SMALLEST_OVERLAP = 0.15
"""Share of the film that must meet the CT at a position for it to count."""


@dataclass(frozen=True)
class Effort:
    """How many poses to propose; those nearer to a better one than ``apart_deg`` and ``apart_mm`` are left out."""

    candidates: int = 32
    apart_deg: float = 12.0
    apart_mm: float = 25.0
    step_deg: float = 10.0
    """Between the orientations that are projected."""
    depth_step_mm: float = 70.0
    """Between the depths at which they are projected; between them a projection is only shifted."""


QUICK = Effort()


@dataclass(frozen=True)
class SearchRange:
    """How far from the nominal pose the search goes, each way."""

    rotation_deg: float = 30.0
    shift_mm: float = 50.0
    """Across the first view."""
    depth_mm: float = 100.0
    """Along the first view's central ray."""


@dataclass(frozen=True)
class Candidate:
    """A pose that the search proposes, with its mean score over the views (see _Correlator.correlate)."""

    ct_to_world: Matrix
    score: float


def search(coarsest: Matcher, nominal: Matrix, extent: SearchRange, effort: Effort = QUICK) -> list[Candidate]:
    """The best distinct poses about a nominal one.

    Parameters
    ----------
    coarsest : Matcher
        The coarsest level: projector, films, pivot (the CT's middle).
    nominal : 4x4 ct_to_world
    extent : SearchRange
    effort : Effort
        How many poses to return, best first.
    """
    middle = (nominal @ [*coarsest.pivot_ras_mm, 1])[:3]
    view_axes = camera_axes(coarsest.films[0].geometry, middle)
    rotations = orientations_within(extent.rotation_deg, effort.step_deg, nominal, view_axes, middle)
    offsets = positions_within(extent, view_axes, coarsest.spacing_mm)
    scores = np.zeros((len(rotations), len(offsets)), np.float32)
    for film in coarsest.films:
        scores += _scores_of_view(coarsest, film, rotations, middle, offsets, effort.depth_step_mm)
    scores /= len(coarsest.films)

    def pose(number: int) -> Matrix:
        turn, place = divmod(number, len(offsets))
        return motion_from_twist([0, 0, 0, *offsets[place]], np.zeros(3)) @ rotations[turn]

    return distinct_best(scores.ravel(), pose, effort)


def orientations_within(
    range_deg: float, step_deg: float, nominal: Matrix, axes: Matrix, middle: Matrix
) -> list[Matrix]:
    """Poses (4x4 ct_to_world) turned about the CT's middle by up to ``range_deg`` about each of the view's axes."""
    steps = np.deg2rad(steps_within(range_deg, step_deg))
    return [_turned(nominal, axes, angles, middle) for angles in itertools.product(steps, repeat=3)]


def steps_within(half_range: float, largest_step: float) -> NDArray[np.float64]:
    """Evenly spaced values from -half_range to half_range whose cells cover it."""
    count = max(1, int(np.ceil(2 * half_range / largest_step)))
    return (np.arange(count) - (count - 1) / 2) * (2 * half_range / count)


def camera_axes(geometry: XRayGeometry, middle: Matrix) -> Matrix:
    """(3, 3) rows: along columns, along rows, along the ray through ``middle``; orthonormal."""
    ray = middle - geometry.source_ras_mm
    ray /= np.linalg.norm(ray)
    across = geometry.column_direction - (geometry.column_direction @ ray) * ray
    across /= np.linalg.norm(across)
    return np.array([across, np.cross(ray, across), ray])


def _turned(nominal: Matrix, axes: Matrix, angles: tuple[float, ...], middle: Matrix) -> Matrix:
    """The nominal pose turned about the CT's middle: about the ray last, so that tilts are tilts of the view."""
    pose = nominal
    for axis, angle in zip(axes, angles, strict=True):
        pose = motion_from_twist([*(angle * axis), 0, 0, 0], middle) @ pose
    return pose


def positions_within(extent: SearchRange, axes: Matrix, spacing_mm: float) -> Matrix:
    """(positions, 3) displacements of the CT's middle in the world."""
    across = np.arange(-extent.shift_mm, extent.shift_mm + 1e-6, spacing_mm) if extent.shift_mm else np.zeros(1)
    along = steps_within(extent.depth_mm, 2.5 * spacing_mm)
    grid = np.stack(np.meshgrid(across, across, along, indexing="ij"), axis=-1)
    return grid.reshape(-1, 3) @ axes


def _scores_of_view(
    coarsest: Matcher,
    film: Film,
    rotations: Sequence[Matrix],
    middle: Matrix,
    offsets: Matrix,
    depth_step_mm: float,
) -> NDArray[np.float32]:
    """(rotations, positions) correlation of this view."""
    ray = camera_axes(film.geometry, middle)[2]
    depths = offsets @ ray
    reach = np.abs(depths).max() + 1e-6
    bins = steps_within(reach, depth_step_mm)
    at_bin = np.abs(depths[:, None] - bins).argmin(axis=1)
    base = film.geometry.project(middle + bins[:, None] * ray)
    shifts = np.rint(film.geometry.project(middle + offsets) - base[at_bin]).astype(int)
    margin = int(np.abs(shifts).max())
    wide = film.geometry.cropped(-margin, -margin, tuple(n + 2 * margin for n in film.geometry.size_px))
    wanted = LocalNormaliser(film.mask, coarsest.window_px)
    film_image = wanted.normalise(film.image, wanted.floor(film.image))
    correlator = _Correlator(film_image, wanted.valid, wide.size_px)
    result = np.zeros((len(rotations), len(offsets)), np.float32)
    for number, depth in enumerate(bins):
        chosen = np.flatnonzero(at_bin == number)
        if not chosen.size:
            continue
        moved = motion_from_twist([0, 0, 0, *(depth * ray)], middle)
        geometries = [wide.moved(moved @ pose) for pose in rotations]
        images = coarsest.projector.project(geometries)
        # A CT shifted by s on the film shows what the wide projection holds at -s.
        columns, rows = margin - shifts[chosen, 0], margin - shifts[chosen, 1]
        for n, (geometry, image) in enumerate(zip(geometries, images, strict=True)):
            mask = coarsest.cut_faces.explained(geometry)
            normaliser = LocalNormaliser(mask, coarsest.window_px)
            template = normaliser.normalise(image, normaliser.floor(image))
            correlation = correlator.correlate(template, normaliser.valid)
            result[n, chosen] = correlation[rows, columns]
    return result


class _Correlator:
    """Masked normalised cross-correlation of one film with wider templates, at all shifts within them."""

    def __init__(self, film: NDArray[np.float32], mask: NDArray[np.bool_], wide_size_px: tuple[int, int]) -> None:
        from scipy import fft

        self._fft = fft
        columns, rows = wide_size_px
        self._shape = tuple(fft.next_fast_len(n, real=True) for n in (rows, columns))
        self._valid = (rows - film.shape[0] + 1, columns - film.shape[1] + 1)
        counts = mask.astype(np.float32)
        stack = np.stack([counts, film * counts, film * film * counts])
        self._film = np.conj(fft.rfft2(stack, self._shape))
        self._open = float(counts.sum())
        self._fewest = SMALLEST_OVERLAP * self._open

    def correlate(self, template: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.float32]:
        """(row shifts, column shifts): how well the template's window that starts there explains the film.

        -log(1 - r^2) of the masked correlation r, the gain in log-likelihood per compared pixel, times the share of the
        film that is compared: a high correlation of a small overlap is no evidence.
        """
        counts = mask.astype(np.float32)
        stack = np.stack([counts, template * counts, template * template * counts])
        spectra = self._fft.rfft2(stack, self._shape)
        products = np.stack(
            [
                spectra[0] * self._film[0],
                spectra[0] * self._film[1],
                spectra[0] * self._film[2],
                spectra[1] * self._film[0],
                spectra[2] * self._film[0],
                spectra[1] * self._film[1],
            ]
        )
        rows, columns = self._valid
        number, film, film_squares, wide, wide_squares, product = self._fft.irfft2(products, self._shape)[
            :, :rows, :columns
        ]
        number = np.maximum(number, 1)
        variance = (film_squares - film**2 / number) * (wide_squares - wide**2 / number)
        covariance = product - film * wide / number
        enough = (number > self._fewest) & (variance > 1e-3)
        correlation = np.where(enough, covariance / np.sqrt(np.maximum(variance, 1e-3)), 0)
        explained = np.clip(correlation, 0, 0.99) ** 2
        return (-np.log1p(-explained) * number / self._open).astype(np.float32)


def distinct_best(scores: NDArray[np.float32], pose_of: Callable[[int], Matrix], effort: Effort) -> list[Candidate]:
    """The best candidates, none near a better one; ``pose_of``: the pose that a number among the scores stands for."""
    count = min(200 * effort.candidates, len(scores))
    best = np.argpartition(scores, -count)[-count:]
    chosen: list[Candidate] = []
    for number in best[np.argsort(scores[best])[::-1]]:
        pose = pose_of(number)
        if all(_apart(pose, other.ct_to_world, effort) for other in chosen):
            chosen.append(Candidate(pose, float(scores[number])))
            if len(chosen) == effort.candidates:
                break
    return chosen


def _apart(first: Matrix, second: Matrix, effort: Effort) -> bool:
    """Whether two poses are different starts."""
    angle_deg = rotation_error_deg(first, second)
    return bool(angle_deg > effort.apart_deg or np.linalg.norm(first[:3, 3] - second[:3, 3]) > effort.apart_mm)
