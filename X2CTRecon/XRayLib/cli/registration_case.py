"""What ``xray3d register`` and a batch's registrations have in common: the case, the run, the files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from XRayLib.case import Case, Result
from XRayLib.cli.in_worker import method_that_returns
from XRayLib.errors import InputError
from XRayLib.registry import REGISTERS

if TYPE_CHECKING:
    from XRayLib.ct import Volume

DEFAULT_METHOD = "intensity"
DEFORMABLE_METHOD = "deformable"


def load_registration_case(
    ct: Volume,
    views: Sequence[str],
    *,
    initial: Path | None = None,
    landmarks: Path | None = None,
    view_landmarks: Sequence[Path] = (),
    prior_mesh: Path | None = None,
    prior_label: str = "",
    labels: Path | None = None,
    frame_index: int = 0,
) -> Case:
    """The case of a CT and films ``IMAGE[:GEOMETRY]``, with pose, landmarks, organ and labels when given."""
    from XRayLib.cli.organ import load_organ
    from XRayLib.ct import load_volume
    from XRayLib.landmark_file import load_landmark_pairs
    from XRayLib.pose_file import read_pose
    from XRayLib.radiograph import load_radiograph, parse_view_argument

    if view_landmarks and landmarks is None:
        raise InputError("Landmarks on the X-rays need those in the CT too: add --landmarks.")
    radiographs = tuple(
        load_radiograph(image, geometry, frame_index=frame_index)
        for image, geometry in (parse_view_argument(view) for view in views)
    )
    case = Case(
        radiographs,
        ct=ct,
        mesh=load_organ(prior_mesh, prior_label),
        initial_ct_to_world=None if initial is None else read_pose(initial),
        labels=None if labels is None else load_volume(labels, "label"),
    )
    if landmarks is None:
        return case
    geometries = [radiograph.geometry for radiograph in radiographs]
    return replace(case, landmarks=load_landmark_pairs(landmarks, geometries, view_landmarks))


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
    deformation: Path | None = None,
) -> list[Path]:
    """The pose file, the report and, of an accepted pose only, the transforms: they could not say it is refused.

    Transforms of an earlier registration under these names are removed.
    """
    from XRayLib.deformation_file import write_deformation_file
    from XRayLib.pose_file import write_pose_file
    from XRayLib.transform_file import write_transform_file

    remove_earlier(transform, deformation)
    write_pose_file(output, result, case, images)
    written = [output]
    if transform is not None and is_accepted(result):
        write_transform_file(transform, result.ct_to_world)
        written.append(transform)
    if deformation is not None and result.deformation is not None and is_accepted(result):
        write_deformation_file(deformation, result.deformation)
        written.append(deformation)
    if report is not None:
        from XRayLib.report import report_writer

        written.append(report_writer(report)(result, report))
    return written


def remove_earlier(*outputs: Path | None) -> None:
    """What an earlier run left under these names must not pass for this run's."""
    for path in outputs:
        if path is not None:
            path.unlink(missing_ok=True)


def chosen_method(method_id: str, deformable: bool, deformation: Path | None, organs: bool) -> str:
    """The method that ``--method`` and ``--deformable`` mean together; InputError when they contradict each other, or
    what is for deformations only: that of a file, and ``organs``, whether any or labels are given."""
    method = method_that_returns(method_id, *REGISTERS)
    deforms = method.returns == "deformation"
    if deformable and not deforms and method_id != DEFAULT_METHOD:
        raise InputError(f"{method.title} finds a pose only: leave out --method or --deformable.")
    if deformation is not None and not (deformable or deforms):
        raise InputError("A deformation is only found with --deformable: add it, or leave out --deformation.")
    if organs and not (deformable or deforms):
        raise InputError("Organs and labels are for --deformable: add it, or leave out --prior-... and --labels.")
    return method_id if deforms or not deformable else DEFORMABLE_METHOD


def deviation_mm(result: Result) -> NDArray[np.float64] | None:
    """Standard deviations (3,) of the CT's middle toward R, A and S, mm; None when the method tells none."""
    if result.pose_quality is None:
        return None
    return np.sqrt(np.maximum(np.diag(result.pose_quality.covariance_mm_rad)[:3], 0.0))
