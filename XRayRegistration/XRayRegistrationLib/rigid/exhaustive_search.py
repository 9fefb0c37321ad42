"""Start poses for films that hold little a coarse search can see: every orientation on a fine grid, compared at the
resolution of ribs and the edges of vertebrae.

Turning the CT about the ray through its middle, and moving it along that ray, change a projection by a homography of
the detector (exactly, and nearly so). So each view needs one projection per direction it looks along, not one per
orientation and depth: it is the film that is turned and scaled. Shifts across the view come from Fourier space, as in
search.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from XRayLib.geometry import XRayGeometry
from XRayLib.projector.rigid import motion_from_twist

from XRayRegistrationLib.rigid.film_pyramid import Film
from XRayRegistrationLib.rigid.least_squares import Matcher
from XRayRegistrationLib.rigid.local_normalisation import LocalNormaliser
from XRayRegistrationLib.rigid.search import (
    Candidate,
    Effort,
    SearchRange,
    camera_axes,
    distinct_best,
    orientations_within,
    positions_within,
    steps_within,
)

Matrix = NDArray[np.float64]
Image = NDArray[np.float32]

EXHAUSTIVE = Effort(candidates=48, apart_deg=4.0, apart_mm=12.0, step_deg=4.0, depth_step_mm=35.0)
MOST_STEPS = 15
"""Of orientations about each axis: a wider range is searched with larger steps."""

BEST_PER_ORIENTATION = 8
"""Positions of every orientation that may become candidates."""

SHARE_EVERY = 100
"""Orientations between two reports."""

ROOM_MM = 20.0
"""Beyond the range across the view: a CT may have been turned about another point than its middle."""

TURN_STEP_DEG = 2.0
"""Between the angles by which a film is turned."""

CANVAS = 1.15
"""Sides of a turned film over those of the film; corners beyond are left out."""


def exhaustive_search(
    matcher: Matcher,
    nominal: Matrix,
    extent: SearchRange,
    effort: Effort = EXHAUSTIVE,
    on_share: Callable[[float], None] = lambda _share: None,
) -> list[Candidate]:
    """The best distinct poses about a nominal one.

    Parameters
    ----------
    matcher : Matcher
        A level of the pyramid, and neighbourhoods, at which the anatomy's edges are seen (about 4 mm, 5 pixels).
    nominal : 4x4 ct_to_world
    extent : SearchRange
    effort : Effort
        Steps, and how many poses to return, best first. Their score is the mean product of locally normalised film and
        projection.
    on_share : called now and then with the share that is done; what it raises ends the search
    """
    middle = (nominal @ [*matcher.pivot_ras_mm, 1])[:3]
    axes = camera_axes(matcher.films[0].geometry, middle)
    step_deg = max(effort.step_deg, 2 * extent.rotation_deg / MOST_STEPS)
    orientations = np.stack(orientations_within(extent.rotation_deg, step_deg, nominal, axes, middle))
    wider = replace(extent, shift_mm=extent.shift_mm + ROOM_MM)
    offsets = positions_within(wider, axes, 1.5 * matcher.spacing_mm)
    turns = orientations[:, :3, :3] @ nominal[:3, :3].T
    views = [_View(matcher, film, middle, offsets, turns, nominal, step_deg, effort) for film in matcher.films]
    count = min(BEST_PER_ORIENTATION, len(offsets))
    best = np.empty((len(orientations), count), np.intp)
    scores = np.empty((len(orientations), count), np.float32)
    for number in range(len(orientations)):
        if number % SHARE_EVERY == 0:
            on_share(number / len(orientations))
        score = sum(view.scores(number) for view in views) / len(views)
        best[number] = np.argpartition(score, -count)[-count:]
        scores[number] = score[best[number]]
    return distinct_best(scores.ravel(), _poses(orientations, offsets, best), effort)


def _poses(orientations: Matrix, offsets: Matrix, best: NDArray[np.intp]) -> Callable[[int], Matrix]:
    def pose(number: int) -> Matrix:
        orientation, place = divmod(number, best.shape[1])
        return motion_from_twist([0, 0, 0, *offsets[best[orientation, place]]], np.zeros(3)) @ orientations[orientation]

    return pose


class _View:
    """What one film says of every orientation and position.

    Parameters
    ----------
    turns : (orientations, 3, 3) rotations of the world about ``middle`` after the nominal pose
    offsets : (positions, 3) displacements of ``middle`` in the world
    """

    def __init__(
        self,
        matcher: Matcher,
        film: Film,
        middle: Matrix,
        offsets: Matrix,
        turns: Matrix,
        nominal: Matrix,
        step_deg: float,
        effort: Effort,
    ) -> None:
        self._matcher, self._film, self._middle, self._offsets, self._nominal = matcher, film, middle, offsets, nominal
        self._axes = camera_axes(film.geometry, middle)
        depths = offsets @ self._axes[2]
        self._depths = steps_within(np.abs(depths).max() + 1e-6, effort.depth_step_mm)
        self._at_depth = np.abs(depths[:, None] - self._depths).argmin(axis=1)
        self._look_of, self._looks, angles_deg = _looks_and_angles(turns, self._axes, step_deg)
        self._angles_deg, self._angle_of = np.unique(
            np.rint(angles_deg / TURN_STEP_DEG) * TURN_STEP_DEG, return_inverse=True
        )
        self._templates: dict[int, NDArray[np.complex64]] = {}

    def scores(self, orientation: int) -> Image:
        """(positions,) mean product of the film with the projections at one orientation."""
        from scipy import fft

        angle = self._angle_of[orientation]
        maps = fft.irfft2(self._template(self._look_of[orientation]) * self._spectra[angle], self._fft_shape)
        column, row = self._starts[angle].T
        return maps[self._at_depth, row, column]

    def _template(self, look: int) -> NDArray[np.complex64]:
        """Spectrum of the locally normalised projection along one direction."""
        if look not in self._templates:
            from scipy import fft

            turned = np.eye(4)
            turned[:3, :3] = self._looks[look]
            turned[:3, 3] = self._middle - self._looks[look] @ self._middle
            geometry = self._wide.moved(turned @ self._nominal)
            (image,) = self._matcher.projector.project([geometry])
            normaliser = LocalNormaliser(self._matcher.cut_faces.explained(geometry), self._matcher.window_px)
            self._templates[look] = fft.rfft2(normaliser.normalise(image, normaliser.floor(image)), self._fft_shape)
        return self._templates[look]

    @cached_property
    def _canvas(self) -> XRayGeometry:
        """The detector of turned films."""
        size = self._film.geometry.size_px
        pad = [int(np.ceil(n * (CANVAS - 1) / 2)) for n in size]
        return self._film.geometry.cropped(-pad[0], -pad[1], tuple(n + 2 * p for n, p in zip(size, pad, strict=True)))

    @cached_property
    def _shifts(self) -> NDArray[np.intp]:
        """(angles, positions, 2) columns and rows by which a position shifts the projection on the canvas."""
        at_rest = self._canvas.project(self._middle)[0]
        shifts = []
        for angle in range(len(self._angles_deg)):
            placed = self._film.geometry.project(self._middle + self._offsets)
            back = np.linalg.inv(self._to_film(angle))[self._at_depth]
            moved = np.einsum("nij,nj->ni", back, np.c_[placed, np.ones(len(placed))])
            shifts.append(moved[:, :2] / moved[:, 2:] - at_rest)
        return np.rint(shifts).astype(np.intp)

    @cached_property
    def _margin(self) -> int:
        return int(np.abs(self._shifts).max())

    @cached_property
    def _wide(self) -> XRayGeometry:
        """The detector of projections: what a shift may bring onto the canvas."""
        margin = self._margin
        return self._canvas.cropped(-margin, -margin, tuple(n + 2 * margin for n in self._canvas.size_px))

    @cached_property
    def _starts(self) -> NDArray[np.intp]:
        """Where the canvas starts in the wide projection: a CT shifted by s is seen where the projection holds -s."""
        return self._margin - self._shifts

    @cached_property
    def _fft_shape(self) -> tuple[int, int]:
        from scipy import fft

        columns, rows = self._wide.size_px
        return fft.next_fast_len(rows, real=True), fft.next_fast_len(columns, real=True)

    def _to_film(self, angle: int) -> Matrix:
        """(depths, 3, 3) homographies from the canvas to the film.

        They hold for the plane through the CT's middle across the ray, turned by the angle and moved to the depth.
        """
        across, down, ray = self._axes
        turn = motion_from_twist([*(np.deg2rad(self._angles_deg[angle]) * ray), 0, 0, 0], np.zeros(3))[:3, :3]
        plane = np.column_stack([across, down])
        canvas, film = self._canvas.ras_to_pixel, self._film.geometry.ras_to_pixel
        back = np.linalg.inv(np.column_stack([canvas[:, :3] @ plane, canvas @ [*self._middle, 1]]))
        return np.stack(
            [
                np.column_stack([film[:, :3] @ turn @ plane, film @ [*(self._middle + depth * ray), 1]]) @ back
                for depth in self._depths
            ]
        )

    @cached_property
    def _spectra(self) -> NDArray[np.complex64]:
        """(angles, depths, ...) conjugate spectra of the locally normalised film, turned back and scaled."""
        import cv2
        from scipy import fft

        normaliser = LocalNormaliser(self._film.mask, self._matcher.window_px)
        image = normaliser.normalise(self._film.image, normaliser.floor(self._film.image))
        image = (image / max(int(normaliser.valid.sum()), 1)).astype(np.float32)
        size, flags = self._canvas.size_px, cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        turned = [
            [cv2.warpPerspective(image, homography, size, flags=flags) for homography in self._to_film(angle)]
            for angle in range(len(self._angles_deg))
        ]
        return np.conj(fft.rfft2(np.array(turned), self._fft_shape))


def _looks_and_angles(turns: Matrix, axes: Matrix, step_deg: float) -> tuple[NDArray[np.intp], list[Matrix], Matrix]:
    """Every turn of the CT as one of few turns that change the direction of view, and an angle about the ray.

    Returns (orientations,) number of the direction's turn, those turns (3, 3), and (orientations,) degrees.
    """
    ray = axes[2]
    directions = np.einsum("nij,i->nj", turns, ray)
    cells = np.rint(np.rad2deg(directions @ axes[:2].T) / step_deg)
    _, look_of = np.unique(cells, axis=0, return_inverse=True)
    look_of = look_of.ravel()
    looks = [_turn_onto(ray, directions[look_of == look].mean(axis=0)) for look in range(look_of.max() + 1)]
    rest = turns @ np.stack(looks)[look_of].transpose(0, 2, 1)
    twice_sine = np.stack([rest[:, 2, 1] - rest[:, 1, 2], rest[:, 0, 2] - rest[:, 2, 0], rest[:, 1, 0] - rest[:, 0, 1]])
    angles = np.arctan2(ray @ twice_sine, np.trace(rest, axis1=1, axis2=2) - 1)
    return look_of, looks, np.rad2deg(angles)


def _turn_onto(ray: Matrix, direction: Matrix) -> Matrix:
    """(3, 3) the smallest rotation that brings a direction onto the ray."""
    axis = np.cross(direction / np.linalg.norm(direction), ray)
    sine = float(np.linalg.norm(axis))
    angle = np.arctan2(sine, direction @ ray / np.linalg.norm(direction))
    twist = axis * (angle / sine) if sine > 1e-9 else np.zeros(3)
    return motion_from_twist([*twist, 0, 0, 0], np.zeros(3))[:3, :3]
