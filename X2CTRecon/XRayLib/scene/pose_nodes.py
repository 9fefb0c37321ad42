"""A registration's result on a transform node: the matrix that moves the CT, and how sure it is, as attributes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from XRayLib.case import PoseQuality, Result
from XRayLib.geometry import XRayGeometry
from XRayLib.jobs.array_files import json_ready
from XRayLib.jobs.pose_documents import parse_pose_quality, pose_quality_document
from XRayLib.scene.matrices import array_of, local_to_world, vtk_matrix
from XRayLib.scene.provenance import PREFIX, read_attribute, read_json_attribute, write_attributes

STATEMENT = (
    "Research use only. Not a medical device. The pose is an estimate from X-rays: check the contours on every film."
)
SAME_FILM_MM = 0.1
_NAMES = (
    *("Kind", "Method", "Provenance", "Quality", "Warnings", "Statement"),
    *("RegisteredMatrix", "Films", "ConfirmedByUser"),
)


@dataclass(frozen=True)
class PoseRecord:
    """What a pose transform says about itself."""

    method: str
    quality: PoseQuality | None
    warnings: tuple[str, ...]
    moved_since: bool
    """Moved by hand after the registration: the quality is that of another pose."""
    confirmed: bool
    """The user accepted the pose as it is now."""
    films: tuple[NDArray[np.float64], ...] | None = None
    """Source and three corners of each film that was registered, (4, 3) in world RAS; None when that is not known."""

    def is_of(self, films: Sequence[XRayGeometry]) -> bool:
        """Whether these are the films of the registration, where they stood then."""
        if self.films is None:
            return True
        now = [_corners(film) for film in films]
        return len(now) == len(self.films) and all(
            any(np.abs(one - other).max() < SAME_FILM_MM for other in self.films) for one in now
        )


def pose_matrix(transform: Any) -> NDArray[np.float64]:
    """(4, 4) matrix to parent of a transform node; identity for None."""
    import vtk

    matrix = vtk.vtkMatrix4x4()
    if transform is not None:
        transform.GetMatrixTransformToParent(matrix)
    return array_of(matrix)


def matrix_to_parent(transform: Any, ct_to_world: ArrayLike) -> NDArray[np.float64]:
    """What a transform node must hold so that what is under it is moved by ``ct_to_world``."""
    return np.linalg.inv(local_to_world(transform)) @ np.asarray(ct_to_world, float)


def put_pose(result: Result, transform: Any, films: Sequence[XRayGeometry]) -> None:
    """Write a registration's pose into a transform node with its quality and provenance; one modification of each.

    ``films`` are those that were registered, in world RAS.
    """
    matrix = matrix_to_parent(transform, result.ct_to_world)
    quality = result.pose_quality
    write_attributes(
        transform,
        {
            "Kind": "pose",
            "Method": result.method,
            "Provenance": json_ready(result.provenance),
            "Quality": None if quality is None else json_ready(pose_quality_document(quality)),
            "Warnings": list(result.warnings),
            "Statement": STATEMENT,
            "RegisteredMatrix": matrix.tolist(),
            "Films": [_corners(film).tolist() for film in films],
            "ConfirmedByUser": False,
        },
    )
    transform.SetMatrixTransformToParent(vtk_matrix(matrix))


def pose_record(transform: Any) -> PoseRecord | None:
    """What ``put_pose`` or ``confirm_pose`` wrote; None for a transform that nothing was said about."""
    if transform is None or read_attribute(transform, "Kind") != "pose":
        return None
    quality = read_json_attribute(transform, "Quality")
    registered = read_json_attribute(transform, "RegisteredMatrix")
    films = read_json_attribute(transform, "Films")
    moved = registered is None or not np.allclose(registered, pose_matrix(transform), atol=1e-6)
    return PoseRecord(
        method=read_attribute(transform, "Method"),
        quality=None if quality is None else parse_pose_quality(quality),
        warnings=tuple(read_json_attribute(transform, "Warnings", ())),
        moved_since=moved,
        confirmed=bool(read_json_attribute(transform, "ConfirmedByUser", False)),
        films=None if films is None else tuple(np.array(film, float) for film in films),
    )


def confirm_pose(transform: Any) -> None:
    """The user accepts the pose as it is; one set by hand gets the method "by hand"."""
    record = pose_record(transform)
    if record is None or record.moved_since:
        by_hand = {"Kind": "pose", "Method": "by hand", "Quality": None, "Warnings": [], "Statement": STATEMENT}
        write_attributes(transform, {**by_hand, "RegisteredMatrix": pose_matrix(transform).tolist()})
        for name in ("Provenance", "Films"):
            transform.RemoveAttribute(PREFIX + name)
    write_attributes(transform, {"ConfirmedByUser": True})


def reopen_pose(transform: Any) -> None:
    """The user wants to change an accepted pose."""
    write_attributes(transform, {"ConfirmedByUser": False})


def pose_attributes(transform: Any) -> dict[str, str]:
    """The attributes that travel with a pose: into a sequence, onto undo."""
    return {name: read_attribute(transform, name) for name in _NAMES if read_attribute(transform, name)}


def set_pose_attributes(transform: Any, attributes: dict[str, str]) -> None:
    """Exactly these attributes, as of ``pose_attributes``."""
    for name in _NAMES:
        if name not in attributes:
            transform.RemoveAttribute(PREFIX + name)
    write_attributes(transform, attributes)


def _corners(film: XRayGeometry) -> NDArray[np.float64]:
    columns, rows = film.size_px
    pixels = np.array([[0, 0, 0, 1], [columns, 0, 0, 1], [0, rows, 0, 1]], float)
    return np.round([film.source_ras_mm, *(pixels @ film.pixel_to_ras.T)[:, :3]], 3)
