"""The module's logic for scripts: the same steps as in the panel, each waiting for its result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import slicer
from numpy.typing import ArrayLike
from XRayLib.case import Options, Result
from XRayLib.errors import InputError, RefusedError
from XRayLib.geometry import XRayGeometry
from XRayLib.registry import REGISTERS
from XRayLib.registry import method as method_by_id
from XRayLib.scene.deformation_nodes import put_deformation
from XRayLib.scene.landmark_nodes import new_ct_landmarks, set_ct_points, set_film_pixels
from XRayLib.scene.matrices import pose_above
from XRayLib.scene.pose_nodes import put_pose
from XRayLib.scene.worker_session import blocking_client, finished

from XRayRegistrationLib.panel_case import STARTS, geometries_of, registration_case, start_options


def register_blocking(
    ct: Any,
    films: Sequence[Any],
    method_id: str,
    initial: ArrayLike | None,
    start: str,
    landmarks: Any,
    show_refused: bool,
) -> Any:
    """Register in the worker, wait, move (and deform) the CT; returns the transform node above it."""
    if start not in STARTS:
        raise InputError(f"The start must be one of {', '.join(STARTS)}.")
    method = method_by_id(method_id)
    if method.returns not in REGISTERS:
        raise InputError(f"{method.title} returns no pose: choose a registration method.")
    start = start if initial is None else "given"
    case = registration_case(ct, films, start, landmarks, initial=initial)
    method.check(case)
    result = blocking_client().run_blocking(method_id, case, Options(extra=start_options(start)))
    quality = result.pose_quality
    if quality is not None and not quality.accepted and not show_refused:
        raise RefusedError(quality.reason or "The result did not pass the quality check.")
    return move_ct(ct, result, geometries_of(case))


def move_ct(ct: Any, result: Result, films: Sequence[XRayGeometry]) -> Any:
    """Write a result above a CT that is under no transform, or under one of its own; returns the transform.

    ``films`` are those that were registered, in world RAS.
    """
    transform = pose_above(ct)
    if transform is None:
        transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", ct.GetName() + " pose")
    put_pose(result, transform, films)
    if result.deformation is not None:
        above = ct.GetParentTransformNode()
        former = above if above is not None and above.IsA("vtkMRMLGridTransformNode") else None
        transform = put_deformation(result, transform, ct.GetName() + " deformation", former)
    ct.SetAndObserveTransformNodeID(transform.GetID())
    return transform


def set_landmarks(
    node: Any, ct: Any, films: Sequence[Any], ct_points: ArrayLike, film_pixels: Sequence[ArrayLike], labels: Any
) -> None:
    """Replace the landmarks of a parameter node's CT and of the films."""
    if len(film_pixels) != len(films):
        raise InputError(f"Give the landmarks' pixels once per X-ray ({len(films)}, {len(film_pixels)} given).")
    labels = [str(label) for label in (labels or range(1, len(ct_points) + 1))]  # type: ignore[arg-type]
    if not all(len(points) == len(labels) for points in (ct_points, *film_pixels)):  # type: ignore[arg-type]
        raise InputError("Give every landmark in the CT and on every X-ray; NaN where it is not visible.")
    if node.ctLandmarks is None:
        node.ctLandmarks = new_ct_landmarks(ct)
    node.ctLandmarks.SetAndObserveTransformNodeID(ct.GetTransformNodeID())
    set_ct_points(node.ctLandmarks, labels, ct_points)
    for film, pixels in zip(films, film_pixels, strict=True):
        set_film_pixels(film, labels, pixels)


def prepare_blocking(ct: Any, method_id: str, minutes: float) -> dict[str, Any]:
    """Train a learned method for a CT and wait; returns what is prepared, by method."""
    from XRayLib.scene.volume_nodes import volume_from_node

    volume = volume_from_node(ct, in_world=False)
    return finished(blocking_client().prepare_patient(volume, method_id, {"minutes": float(minutes)}))
