"""The comparisons of this package on files: what the command line and the worker call."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from XRayLib.errors import InputError
from XRayLib.metrics.evaluate_deformation import evaluate_deformation
from XRayLib.metrics.evaluate_mesh import evaluate_mesh
from XRayLib.metrics.evaluate_pose import evaluate_pose
from XRayLib.metrics.evaluate_volume import evaluate_volume
from XRayLib.motion import load_displacement_field
from XRayLib.point_file import load_landmarks
from XRayLib.pose_file import read_pose

PathLike = str | Path


def evaluate_files(kind: str, reference: PathLike, result: PathLike, **options: Any) -> dict[str, Any]:
    """Compare two files.

    Parameters
    ----------
    kind : "volume", "mesh", "pose" or "deformation"
    options
        volume: ``views`` (IMAGE[:GEOMETRY]), ``labels``, ``result_labels``, ``template``.
        mesh: ``views``, ``template``.
        pose: ``ct`` or ``landmarks``, ``views``, ``initial``; poses as :func:`XRayLib.pose_file.read_pose` reads them.
        deformation: ``mask``, ``landmarks`` with ``ct_landmarks``, ``labels`` with ``ct_labels``, ``ct`` with ``views``
        that the registration has not seen.

    Raises
    ------
    InputError
        When the kind or an option is unknown, or a file cannot be used.
    """
    comparisons = {"volume": _volume, "mesh": _mesh, "pose": _pose, "deformation": _deformation}
    if kind not in comparisons:
        raise InputError(f"There is no comparison of '{kind}': choose {', '.join(comparisons)}.")
    compare: Callable[..., dict[str, Any]] = comparisons[kind]
    known = inspect.getfullargspec(compare).kwonlyargs
    if unknown := sorted(options.keys() - set(known)):
        raise InputError(f"Comparing a {kind} takes {', '.join(known)}, not {', '.join(unknown)}.")
    return compare(reference, result, **options)


def _volume(
    reference: PathLike,
    result: PathLike,
    *,
    views: Sequence[str] = (),
    labels: PathLike | None = None,
    result_labels: PathLike | None = None,
    template: PathLike | None = None,
) -> dict[str, Any]:
    from XRayLib.ct import load_ct

    if result_labels is not None and labels is None:
        raise InputError("Labels of the result are compared with those of the reference: give --labels, too.")
    return evaluate_volume(
        load_ct(reference),
        load_ct(result),
        radiographs=_radiographs(views),
        labels=_optional(_labels, labels),
        result_labels=_optional(_labels, result_labels),
        template=_optional(load_ct, template),
    )


def _mesh(
    reference: PathLike, result: PathLike, *, views: Sequence[str] = (), template: PathLike | None = None
) -> dict[str, Any]:
    from XRayLib.mesh import load_mesh

    geometries = [radiograph.geometry for radiograph in _radiographs(views)]
    return evaluate_mesh(
        load_mesh(reference), load_mesh(result), geometries=geometries, template=_optional(load_mesh, template)
    )


def _pose(
    reference: PathLike,
    result: PathLike,
    *,
    ct: PathLike | None = None,
    landmarks: PathLike | None = None,
    views: Sequence[str] = (),
    initial: PathLike | None = None,
) -> dict[str, Any]:
    from XRayLib.ct import load_ct

    return evaluate_pose(
        read_pose(reference),
        read_pose(result),
        ct=_optional(load_ct, ct),
        landmarks_ct_ras=_optional(load_landmarks, landmarks),
        geometries=[radiograph.geometry for radiograph in _radiographs(views)],
        initial_ct_to_world=_optional(read_pose, initial),
    )


def _deformation(
    reference: PathLike,
    result: PathLike,
    *,
    mask: PathLike | None = None,
    landmarks: PathLike | None = None,
    ct_landmarks: PathLike | None = None,
    labels: PathLike | None = None,
    ct_labels: PathLike | None = None,
    ct: PathLike | None = None,
    views: Sequence[str] = (),
) -> dict[str, Any]:
    from XRayLib.ct import load_ct

    return evaluate_deformation(
        load_displacement_field(reference),
        load_displacement_field(result),
        mask=_optional(_labels, mask),
        landmarks=_pair(load_landmarks, landmarks, ct_landmarks, "landmarks"),
        labels=_pair(_labels, labels, ct_labels, "labels"),
        ct=_optional(load_ct, ct),
        held_out=_radiographs(views),
    )


def _optional(load: Callable[[PathLike], Any], path: PathLike | None) -> Any:
    return None if path is None else load(path)


def _pair(load: Callable[[PathLike], Any], first: PathLike | None, second: PathLike | None, name: str) -> Any:
    if first is None and second is None:
        return None
    if first is None or second is None:
        raise InputError(f"A deformation's {name} are needed twice: in the deformed anatomy and in the CT.")
    return load(first), load(second)


def _labels(path: PathLike) -> Any:
    from XRayLib.ct import load_volume

    return load_volume(path, "label")


def _radiographs(views: Sequence[str]) -> tuple[Any, ...]:
    if isinstance(views, str):
        raise InputError("The views must be a list of IMAGE[:GEOMETRY].")
    if not views:
        return ()
    from XRayLib.radiograph import load_radiograph, parse_view_argument

    return tuple(load_radiograph(*parse_view_argument(view)) for view in views)
