"""What registration adds to a case and a result, as JSON objects and arrays: landmarks, point cloud, pose quality,
deformation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from XRayLib.case import Landmarks, PointCloud, PoseQuality
from XRayLib.errors import InputError
from XRayLib.jobs.array_files import read_array, write_array

if TYPE_CHECKING:
    from XRayLib.metrics import DisplacementField

Document = Mapping[str, Any]


def landmarks_document(folder: Path, name: str, landmarks: Landmarks) -> Document:
    """Write the points as arrays and return the JSON object that refers to them."""
    return {
        "ct_ras_mm": write_array(folder, f"{name}_ct", landmarks.ct_ras_mm),
        "pixels": write_array(folder, f"{name}_pixels", landmarks.pixels),
        "names": list(landmarks.names),
    }


def parse_landmarks(folder: Path, document: Document, *, mapped: bool = False) -> Landmarks:
    """The landmarks of a :func:`landmarks_document`."""
    return Landmarks(
        ct_ras_mm=read_array(folder, document["ct_ras_mm"], ndim=2, mapped=mapped),
        pixels=read_array(folder, document["pixels"], ndim=3, mapped=mapped),
        names=tuple(str(name) for name in document["names"]),
    )


def point_cloud_document(folder: Path, name: str, cloud: PointCloud) -> Document:
    """Write the points as arrays and return the JSON object that refers to them."""
    return {
        "points": write_array(folder, f"{name}_points", cloud.points_ct_ras_mm),
        "deviation": write_array(folder, f"{name}_deviation", cloud.deviation_mm),
    }


def parse_point_cloud(folder: Path, document: Document, *, mapped: bool = False) -> PointCloud:
    """The cloud of a :func:`point_cloud_document`."""
    return PointCloud(
        points_ct_ras_mm=read_array(folder, document["points"], ndim=2, mapped=mapped),
        deviation_mm=read_array(folder, document["deviation"], ndim=1, mapped=mapped),
    )


def deformation_document(folder: Path, name: str, field: DisplacementField) -> Document:
    """Write the vectors as ``<name>.npy`` and return the JSON object that refers to them."""
    return {"vectors_mm": write_array(folder, name, field.vectors_mm), "ijk_to_ras": field.ijk_to_ras}


def parse_deformation(folder: Path, document: Document, *, mapped: bool = False) -> DisplacementField:
    """The field of a :func:`deformation_document`."""
    from XRayLib.metrics import DisplacementField

    vectors_mm = read_array(folder, document["vectors_mm"], ndim=4, mapped=mapped)
    return DisplacementField(vectors_mm, np.asarray(document["ijk_to_ras"], float))


def pose_quality_document(quality: PoseQuality) -> Document:
    """The JSON object of a pose's quality."""
    return {
        "covariance_mm_rad": quality.covariance_mm_rad,
        "confidence": quality.confidence,
        "accepted": bool(quality.accepted),
        "reason": quality.reason,
        "similarity": dict(quality.similarity),
        "seconds": dict(quality.seconds),
        "initial_ct_to_world": quality.initial_ct_to_world,
    }


def parse_pose_quality(document: Document) -> PoseQuality:
    """The quality of a :func:`pose_quality_document`."""
    return PoseQuality(
        covariance_mm_rad=np.asarray(document["covariance_mm_rad"], float).reshape(6, 6),
        confidence=parse_number(document["confidence"]),
        accepted=bool(document["accepted"]),
        reason=str(document["reason"]),
        similarity={name: parse_number(value) for name, value in document["similarity"].items()},
        seconds={name: parse_number(value) for name, value in document["seconds"].items()},
        initial_ct_to_world=parse_pose(document["initial_ct_to_world"]),
    )


def parse_pose(rows: Any) -> np.ndarray | None:
    """A 4x4 pose, or None."""
    if rows is None:
        return None
    matrix = np.asarray(rows, float)
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
        raise InputError("A pose in the job folder must be a finite 4x4 matrix.")
    return matrix


def parse_number(value: Any) -> float:
    """A number; None stands for one that is not finite."""
    return math.nan if value is None else float(value)
