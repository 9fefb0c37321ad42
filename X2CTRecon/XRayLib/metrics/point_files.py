"""Landmarks and poses from files."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from XRayLib.errors import InputError
from XRayLib.metrics.pose import Matrix, rigid_matrix

POSE_FORMAT = "xray3d.pose/1"
LARGEST_FILE_BYTES = 50_000_000

_TO_RAS = {"LPS": (-1.0, -1.0, 1.0), "RAS": (1.0, 1.0, 1.0)}


def load_landmarks(path: str | Path) -> NDArray[np.float64]:
    """Points (N, 3), RAS mm, from Slicer markups (``.mrk.json``, whose own frame is read) or from a table.

    The table (``.csv``) has the columns r, a, s, under a line of names or without one.
    """
    path = Path(path)
    points = _from_table(path) if path.suffix.lower() == ".csv" else _from_markups(path)
    if not len(points) or not np.isfinite(points).all():
        raise InputError(f"{path.name} holds no usable landmarks.")
    return points


def read_pose_file(path: str | Path) -> Matrix:
    """``ct_to_world`` (4, 4) of a ``*.pose.json``; InputError says what is wrong with the file."""
    path = Path(path)
    document = _read_json(path)
    if document.get("format") != POSE_FORMAT or "ct_to_world" not in document:
        raise InputError(f'{path.name} is not a pose file: its "format" must be "{POSE_FORMAT}".')
    try:
        return rigid_matrix(document["ct_to_world"], path.name)
    except (TypeError, ValueError) as error:
        raise InputError(f"{path.name}: ct_to_world must be a 4x4 matrix of numbers.") from error


def _from_markups(path: Path) -> NDArray[np.float64]:
    points = []
    try:
        for markup in _read_json(path)["markups"]:
            to_ras = _TO_RAS[str(markup.get("coordinateSystem", "LPS")).upper()]
            points += [np.asarray(p["position"], float) * to_ras for p in markup["controlPoints"]]
        return np.array(points, float).reshape(-1, 3)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path.name} is no list of landmarks: save Slicer markups as .mrk.json.") from error


def _from_table(path: Path) -> NDArray[np.float64]:
    rows = [row for row in csv.reader(_read(path).splitlines()) if row]
    try:
        float(rows[0][0])
    except (ValueError, IndexError):
        rows = rows[1:]
    try:
        return np.array([[float(value) for value in row[:3]] for row in rows]).reshape(-1, 3)
    except ValueError as error:
        raise InputError(f"{path.name} must have three numbers r, a, s in each line.") from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(_read(path))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path.name} cannot be read as JSON.") from error
    if not isinstance(document, dict):
        raise InputError(f"{path.name} cannot be read: it holds no JSON object.")
    return document


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise InputError(f"{path.name} is too large for a file of points or a pose.")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path.name} cannot be read: check its path.") from error
