"""Pose files: the ``*.pose.json`` that a registration writes, and the other files that hold a rigid pose."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from XRayLib.errors import InputError
from XRayLib.whole_file import whole_file

if TYPE_CHECKING:
    from XRayLib.case import Case, Result

FORMAT = "xray3d.pose/1"
LARGEST_FILE_BYTES = 5_000_000

Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PoseView:
    """One X-ray of a registration: the image's name and the projection (3, 4) from the CT's RAS to its pixels."""

    image: str
    ct_ras_to_pixel: Matrix


@dataclass(frozen=True, eq=False)
class PoseFile:
    """The content of a pose file. ``ct_to_world`` (4, 4) takes the CT's RAS to the RAS of the films' geometries.

    What a file leaves out is None or empty. ``covariance_mm_rad`` (6, 6) is that of :class:`XRayLib.case.PoseQuality`.
    """

    ct_to_world: Matrix
    views: tuple[PoseView, ...] = ()
    covariance_mm_rad: Matrix | None = None
    confidence: float | None = None
    accepted: bool | None = None
    reason: str = ""
    similarity: Mapping[str, float] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    initial_ct_to_world: Matrix | None = None


def rigid_matrix(pose: ArrayLike, name: str) -> Matrix:
    """The pose as a 4x4 matrix; InputError unless it is rigid."""
    matrix = np.asarray(pose, float)
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all() or not np.allclose(matrix[3], (0, 0, 0, 1), atol=1e-6):
        raise InputError(f"The {name} pose must be a finite 4x4 matrix with the last row 0 0 0 1.")
    rotation = matrix[:3, :3]
    if not np.allclose(rotation.T @ rotation, np.eye(3), atol=1e-3) or np.linalg.det(rotation) < 0:
        raise InputError(f"The {name} pose is not rigid: it scales, shears or mirrors.")
    return matrix


def write_pose_file(path: str | Path, result: Result, case: Case, images: Sequence[str | Path] = ()) -> None:
    """Write a registration's result as ``xray3d.pose/1``. ``images`` name the films, in the order of the case."""
    with whole_file(path) as unfinished:
        unfinished.write_text(json.dumps(pose_document(result, case, images), indent=1) + "\n", encoding="utf-8")


def pose_document(result: Result, case: Case, images: Sequence[str | Path] = ()) -> dict[str, Any]:
    """The JSON object of a pose file. Numbers keep all their digits; those that are not finite become null."""
    if result.ct_to_world is None:
        raise InputError(f"The method '{result.method}' returned no pose: choose a registration method.")
    quality = result.pose_quality
    films = [view.radiograph for view in result.views] or case.radiographs
    names = [str(image) for image in images] or [film.source for film in films]
    document: dict[str, Any] = {
        "format": FORMAT,
        "ct_to_world": result.ct_to_world,
        "views": [
            {"image": name, "ct_ras_to_pixel": film.geometry.moved(result.ct_to_world).ras_to_pixel}
            for name, film in zip(names, films, strict=True)
        ],
        "covariance_mm_rad": None if quality is None else quality.covariance_mm_rad,
        "confidence": None if quality is None else quality.confidence,
        "accepted": None if quality is None else bool(quality.accepted),
        "reason": "" if quality is None else quality.reason,
        "similarity": {} if quality is None else quality.similarity,
        "seconds": {} if quality is None else quality.seconds,
        "provenance": {**result.provenance, "method": result.method, "warnings": result.warnings},
    }
    if quality is not None and quality.initial_ct_to_world is not None:
        document["initial_ct_to_world"] = quality.initial_ct_to_world
    return _plain(document)


def read_pose_file(path: str | Path) -> PoseFile:
    """The content of a ``*.pose.json``; InputError says what is wrong with the file."""
    path = Path(path)
    return _parsed(_json(_text(path), path), path)


def read_pose(path: str | Path) -> Matrix:
    """``ct_to_world`` (4, 4) from a pose file or from any other file that holds a rigid pose.

    Pose files; an ITK or Slicer transform (.tfm, .h5, .mat, .txt; LPS, see :mod:`XRayLib.transform_file`); sixteen
    numbers row by row, as JSON ``[[...4], ...]`` or as text: then ``ct_to_world`` in RAS itself.
    """
    from XRayLib.transform_file import TEXT_HEADER, TRANSFORM_SUFFIXES, read_transform_file

    path = Path(path)
    if path.suffix.lower() in TRANSFORM_SUFFIXES:
        return read_transform_file(path)
    text = _text(path)
    if text.startswith(TEXT_HEADER):
        return read_transform_file(path)
    if text.lstrip()[:1] in ("{", "["):
        document = _json(text, path)
        return (
            _matrix(document, (4, 4), path.name) if isinstance(document, list) else _parsed(document, path).ct_to_world
        )
    numbers = re.split(r"[\s,;]+", text.strip(" \t\r\n,;"))
    try:
        return rigid_matrix(np.array([float(number) for number in numbers]).reshape(4, 4), path.name)
    except ValueError as error:
        raise InputError(f"{path.name} holds no pose: give a pose file, a transform or sixteen numbers.") from error


def _parsed(document: Any, path: Path) -> PoseFile:
    if not isinstance(document, Mapping) or document.get("format") != FORMAT or "ct_to_world" not in document:
        raise InputError(f'{path.name} is not a pose file: its "format" must be "{FORMAT}".')
    try:
        return PoseFile(
            ct_to_world=_matrix(document["ct_to_world"], (4, 4), f"{path.name} ct_to_world"),
            views=tuple(_view(view, path) for view in document.get("views") or ()),
            covariance_mm_rad=_covariance(document.get("covariance_mm_rad"), path),
            confidence=_share(document.get("confidence"), path),
            accepted=_flag(document.get("accepted"), path),
            reason=str(document.get("reason") or ""),
            similarity=_numbers(document.get("similarity")),
            seconds=_numbers(document.get("seconds")),
            provenance=dict(document.get("provenance") or {}),
            initial_ct_to_world=_optional_pose(document.get("initial_ct_to_world"), path),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path.name} holds values of the wrong kind for a pose file: write it again.") from error


def _view(document: Mapping[str, Any], path: Path) -> PoseView:
    return PoseView(str(document["image"]), _matrix(document["ct_ras_to_pixel"], (3, 4), f"{path.name} view"))


def _optional_pose(rows: Any, path: Path) -> Matrix | None:
    return None if rows is None else _matrix(rows, (4, 4), f"{path.name} initial")


def _covariance(rows: Any, path: Path) -> Matrix | None:
    if rows is None:
        return None
    matrix = _matrix(rows, (6, 6), f"{path.name} covariance")
    scale = np.sqrt(np.abs(np.outer(np.diag(matrix), np.diag(matrix)))) + 1e-300
    if not np.allclose(matrix / scale, matrix.T / scale, atol=1e-6) or (np.diag(matrix) < 0).any():
        raise InputError(f"{path.name}: the covariance must be symmetric with a diagonal of at least 0.")
    return matrix


def _matrix(rows: Any, shape: tuple[int, int], name: str) -> Matrix:
    try:
        matrix = np.array(rows, float)
    except (TypeError, ValueError):
        matrix = np.empty(0)
    if matrix.shape != shape or not np.isfinite(matrix).all():
        raise InputError(f"{name}: {shape[0]} rows of {shape[1]} finite numbers are needed.")
    return rigid_matrix(matrix, name) if shape == (4, 4) else matrix


def _share(value: Any, path: Path) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise InputError(f"{path.name}: the confidence must be between 0 and 1.")
    return float(value)


def _flag(value: Any, path: Path) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise InputError(f'{path.name}: "accepted" must be true or false.')
    return value


def _numbers(document: Any) -> dict[str, float]:
    return {str(name): math.nan if value is None else float(value) for name, value in dict(document or {}).items()}


def _json(text: str, path: Path) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path.name} cannot be read as JSON: write it again.") from error


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise InputError(f"{path.name} is too large for a pose: choose a *.pose.json.")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path.name} cannot be read: check its path.") from error


def _plain(value: Any) -> Any:
    """The value as JSON has it; a matrix with a number that is not finite is null as a whole."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return value.tolist() if np.isfinite(value).all() else None
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
