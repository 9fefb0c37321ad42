"""Named points from files: Slicer's markups, its older fiducial lists, and tables."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from XRayLib.errors import InputError

LARGEST_FILE_BYTES = 50_000_000

_TO_RAS = {"LPS": (-1.0, -1.0, 1.0), "RAS": (1.0, 1.0, 1.0), "0": (1.0, 1.0, 1.0), "1": (-1.0, -1.0, 1.0)}
"""By the words and, in fiducial lists, the numbers that files use."""


@dataclass(frozen=True, eq=False)
class NamedPoints:
    """Points (N, 3), RAS mm, and their N names, empty where a file gives none."""

    ras_mm: NDArray[np.float64]
    names: tuple[str, ...]


def load_landmarks(path: str | Path) -> NDArray[np.float64]:
    """The points (N, 3), RAS mm, of :func:`read_points`."""
    return read_points(path).ras_mm


def read_points(path: str | Path) -> NamedPoints:
    """Points from Slicer markups (``.mrk.json``), a fiducial list (``.fcsv``) or a table (``.csv``).

    Markups and fiducial lists are read in the frame that they state; points that were not placed are left out. The
    table has the columns r, a, s and optionally a name, under a line of titles or without one.
    """
    path = Path(path)
    read = {".csv": _from_table, ".fcsv": _from_fiducial_list}.get(path.suffix.lower(), _from_markups)
    named = read(path)
    points = np.array([position for position, _ in named], float).reshape(-1, 3)
    if not len(points) or not np.isfinite(points).all():
        raise InputError(f"{path.name} holds no usable landmarks.")
    return NamedPoints(points, tuple(name for _, name in named))


def _from_markups(path: Path) -> list[tuple[Any, str]]:
    points = []
    try:
        for markup in read_json_object(path)["markups"]:
            to_ras = _TO_RAS[str(markup.get("coordinateSystem", "LPS")).upper()]
            for point in markup["controlPoints"]:
                if point.get("positionStatus", "defined") != "undefined":
                    x, y, z = (float(value) for value in point["position"])
                    points.append((np.multiply((x, y, z), to_ras), str(point.get("label", ""))))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path.name} is no list of landmarks: save Slicer markups as .mrk.json.") from error
    return points


def _from_fiducial_list(path: Path) -> list[tuple[Any, str]]:
    """Slicer's ``.fcsv``: comment lines with the frame and the columns, then one point a line."""
    to_ras, columns = _TO_RAS["RAS"], ["id", "x", "y", "z"]
    points = []
    try:
        for line in read_text(path).splitlines():
            if line.startswith("#"):
                key, _, value = (part.strip() for part in line[1:].partition("="))
                if key == "CoordinateSystem":
                    to_ras = _TO_RAS[value.upper()]
                elif key == "columns":
                    columns = [name.strip() for name in value.split(",")]
            elif line.strip():
                row = dict(zip(columns, next(csv.reader([line])), strict=False))
                points.append((np.multiply([float(row[axis]) for axis in "xyz"], to_ras), row.get("label", "")))
    except (KeyError, ValueError) as error:
        raise InputError(f"{path.name} is no fiducial list: save Slicer markups as .mrk.json.") from error
    return points


def _from_table(path: Path) -> list[tuple[Any, str]]:
    rows = [row for row in csv.reader(read_text(path).splitlines()) if row]
    try:
        float(rows[0][0])
    except (ValueError, IndexError):
        rows = rows[1:]
    try:
        return [(tuple(float(row[axis]) for axis in range(3)), row[3].strip() if len(row) > 3 else "") for row in rows]
    except (ValueError, IndexError) as error:
        raise InputError(f"{path.name} must have three numbers r, a, s in each line.") from error


def read_json_object(path: Path) -> dict[str, Any]:
    """The JSON object of a small file; InputError when it is something else."""
    try:
        document = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path.name} cannot be read as JSON.") from error
    if not isinstance(document, dict):
        raise InputError(f"{path.name} cannot be read: it holds no JSON object.")
    return document


def read_text(path: Path) -> str:
    """The text of a small file."""
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise InputError(f"{path.name} is too large for a list of points.")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path.name} cannot be read: check its path.") from error
