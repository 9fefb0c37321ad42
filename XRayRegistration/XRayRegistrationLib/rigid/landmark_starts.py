"""Closed-form poses from landmark pairs: perspective-n-point per film, and a grid of turns for all films together."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from XRayLib.geometry import to_camera

from XRayRegistrationLib.rigid.landmark_picks import Picks

Matrix = NDArray[np.float64]

FEW = 4
KEPT_TURNS = 6


def closed_form_poses(picks: Picks, near: Matrix) -> list[Matrix]:
    """Candidates (4, 4): ``near``, those of each film alone and, when no film alone gives one pose, those of turns."""
    films = [picks.kept(picks.view == view) for view in range(len(picks.geometries))]
    poses = [near, *(pose for film in films for pose in _film_poses(film))]
    if all(len(film) < FEW for film in films):
        poses += _turned_poses(picks, near)
    return poses


def _film_poses(picks: Picks) -> Iterator[Matrix]:
    """Poses that one film's pairs give: SQPnP from four or more; P3P, up to four solutions, from each three of few.

    G. Terzakis and M. Lourakis, "A consistently fast and globally optimal solution to the perspective-n-point problem",
    ECCV 2020; from four points alone it can miss the best pose, which P3P does not.
    """
    count = len(picks)
    subsets = [range(count)] if count >= 4 else []
    if count <= FEW:
        subsets += combinations(range(count), 3)
    for subset in subsets:
        yield from _perspective_poses(picks.kept(np.isin(np.arange(count), subset)), picks)


def _perspective_poses(picks: Picks, all_picks: Picks) -> Iterator[Matrix]:
    """OpenCV's poses for the pairs of one film, those that keep all of its pairs in front of the source.

    OpenCV's cameras are right-handed, films are read from the detector side: ``to_camera`` puts the mirror into the
    camera matrix, so normalised coordinates are those of a proper camera.
    """
    import cv2

    camera, turn, shift = to_camera(picks.geometries[picks.view[0]])
    normalised = np.column_stack([picks.pixel, np.ones(len(picks))]) @ np.linalg.inv(camera).T
    middle = picks.ct_ras_mm.mean(axis=0)
    points, rays = np.ascontiguousarray(picks.ct_ras_mm - middle), np.ascontiguousarray(normalised[:, :2])
    if len(picks) == 3:
        _, rotations, translations = cv2.solveP3P(points, rays, np.eye(3), None, flags=cv2.SOLVEPNP_P3P)
    else:
        _, rotations, translations, _ = cv2.solvePnPGeneric(points, rays, np.eye(3), None, flags=cv2.SOLVEPNP_SQPNP)
    for rotation, translation in zip(rotations, translations, strict=True):
        matrix = cv2.Rodrigues(rotation)[0]
        pose = np.eye(4)
        pose[:3, :3] = turn.T @ matrix
        pose[:3, 3] = turn.T @ (translation.ravel() - matrix @ middle - shift)
        if np.isfinite(pose).all() and (all_picks.depth_mm(pose) > 0).all():
            yield pose


def _turned_poses(picks: Picks, near: Matrix) -> list[Matrix]:
    """``near`` turned by the rotations of a cube, each shifted to fit the rays; the best few."""
    from scipy.spatial.transform import Rotation

    poses = [_shifted(picks, turn @ near[:3, :3]) for turn in Rotation.create_group("O").as_matrix()]
    poses = [pose for pose in poses if (picks.depth_mm(pose) > 0).all()]
    poses.sort(key=lambda pose: float((picks.residual_detector_mm(pose) ** 2).sum()))
    return poses[:KEPT_TURNS]


def _shifted(picks: Picks, rotation: Matrix) -> Matrix:
    """The pose of that rotation whose points are nearest to their rays: linear least squares for the translation."""
    sources = np.array([g.source_ras_mm for g in picks.geometries])[picks.view]
    on_detector = np.array(
        [
            picks.geometries[view].pixel_to_ras[:3] @ (*pixel, 0.0, 1.0)
            for view, pixel in zip(picks.view, picks.pixel, strict=True)
        ]
    )
    rays = on_detector - sources
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    across = np.eye(3) - rays[:, :, None] * rays[:, None, :]
    offset = sources - picks.ct_ras_mm @ rotation.T
    pose = np.eye(4)
    pose[:3, :3] = rotation
    pose[:3, 3] = np.linalg.lstsq(across.reshape(-1, 3), np.einsum("mij,mj->mi", across, offset).ravel(), rcond=None)[0]
    return pose
