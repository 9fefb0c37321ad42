"""What ``xray3d register`` and a batch's registrations have in common: the case, the run, the files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from XRayLib.case import Case, Options, Result
from XRayLib.errors import InputError
from XRayLib.registry import Progress, method

if TYPE_CHECKING:
    from XRayLib.ct import Volume

DEFAULT_METHOD = "intensity"


def load_registration_case(
    ct: Volume,
    views: Sequence[str],
    *,
    initial: Path | None = None,
    landmarks: Path | None = None,
    view_landmarks: Sequence[Path] = (),
    frame_index: int = 0,
) -> Case:
    """The case of a CT and films ``IMAGE[:GEOMETRY]``, with an initial pose and landmarks when given."""
    from XRayLib.landmark_file import load_landmark_pairs
    from XRayLib.pose_file import read_pose
    from XRayLib.radiograph import load_radiograph, parse_view_argument

    if view_landmarks and landmarks is None:
        raise InputError("Landmarks on the X-rays need those in the CT too: add --landmarks.")
    radiographs = tuple(
        load_radiograph(image, geometry, frame_index=frame_index)
        for image, geometry in (parse_view_argument(view) for view in views)
    )
    case = Case(radiographs, ct=ct, initial_ct_to_world=None if initial is None else read_pose(initial))
    if landmarks is None:
        return case
    geometries = [radiograph.geometry for radiograph in radiographs]
    return replace(case, landmarks=load_landmark_pairs(landmarks, geometries, view_landmarks))


def registration_method(method_id: str) -> None:
    """InputError unless the method returns a pose."""
    chosen = method(method_id)
    if chosen.returns != "pose":
        raise InputError(f"{chosen.title} does not return a pose: choose another --method.")


def register_case(case: Case, method_id: str, options: Options, progress: Progress) -> Result:
    """Run a pose method in the worker process, as the Slicer module does."""
    from XRayLib.jobs import run_blocking

    registration_method(method_id)
    method(method_id).check(case)
    return run_blocking(method_id, case, options, progress)


def is_accepted(result: Result) -> bool:
    """Whether the method stands by its pose; one that does not judge does."""
    return result.pose_quality is None or bool(result.pose_quality.accepted)


def save_registration(
    result: Result,
    case: Case,
    images: Sequence[str | Path],
    output: Path,
    transform: Path | None = None,
    report: Path | None = None,
) -> list[Path]:
    """The pose file, the report and, of an accepted pose only, the transform: it could not say that it is refused."""
    from XRayLib.pose_file import write_pose_file
    from XRayLib.transform_file import write_transform_file

    write_pose_file(output, result, case, images)
    written = [output]
    if transform is not None and is_accepted(result):
        write_transform_file(transform, result.ct_to_world)
        written.append(transform)
    if report is not None:
        from XRayLib.report import write_report

        written.append(write_report(result, report))
    return written


def deviation_mm(result: Result) -> NDArray[np.float64] | None:
    """Standard deviations (3,) of the CT's middle toward R, A and S, mm; None when the method tells none."""
    if result.pose_quality is None:
        return None
    return np.sqrt(np.maximum(np.diag(result.pose_quality.covariance_mm_rad)[:3], 0.0))
