"""Landmark pairs for a registration: the same anatomical points in the CT and on the films, from files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from XRayLib.case import Landmarks
from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry
from XRayLib.point_file import read_json_object, read_points

FORMAT = "xray3d.landmarks/1"

Pixels = NDArray[np.float64]


def load_landmark_pairs(
    path: str | Path, geometries: Sequence[XRayGeometry], view_paths: Sequence[str | Path] = ()
) -> Landmarks:
    """Landmarks picked in the CT and on every film.

    Parameters
    ----------
    path
        Either everything in one JSON file, ``{"format": "xray3d.landmarks/1", "points": [{"name", "ct_ras_mm": [r, a,
        s], "pixels": [[column, row], ...]}]}`` with one pixel per view, null where a point was not picked; or the CT's
        points (see :func:`XRayLib.point_file.read_points`), with the films' points in ``view_paths``.
    geometries : one per film
    view_paths : one per film, or empty
        Points in the world of the geometries, as placed on the detector in the 3D view: any place on the ray will do.
        Or ``{"name": [column, row], ...}`` in JSON. Pairs are made by name; when no name is shared, by order.

    Raises
    ------
    InputError
        When a file cannot be read or points cannot be paired.
    """
    path = Path(path)
    whole = _whole_document(path)
    if whole is not None:
        if view_paths:
            raise InputError(f"{path.name} holds the films' landmarks too: leave out the files per view.")
        return _from_document(whole, path, len(geometries))
    if len(view_paths) != len(geometries):
        raise InputError(
            f"{path.name} holds the CT's landmarks only: give the films' landmarks once per view "
            f"({len(geometries)} views, {len(view_paths)} files)."
        )
    points = read_points(path)
    pixels = [
        _paired(points.names, *_view_points(Path(view_path), geometry), path.name, Path(view_path).name)
        for view_path, geometry in zip(view_paths, geometries, strict=True)
    ]
    return Landmarks(points.ras_mm, np.stack(pixels), points.names)


def _whole_document(path: Path) -> dict[str, Any] | None:
    if path.suffix.lower() != ".json":
        return None
    document = read_json_object(path)
    return document if document.get("format") == FORMAT else None


def _from_document(document: Mapping[str, Any], path: Path, views: int) -> Landmarks:
    try:
        points = list(document["points"])
        ct = np.array([point["ct_ras_mm"] for point in points], float).reshape(-1, 3)
        pixels = np.full((views, len(points), 2), np.nan)
        for n, point in enumerate(points):
            if len(point["pixels"]) != views:
                raise InputError(f"{path.name}: each point needs {views} pixels, one per view, null where not picked.")
            for view, pixel in enumerate(point["pixels"]):
                pixels[view, n] = np.nan if pixel is None else _pixel(pixel)
        return Landmarks(ct, pixels, tuple(str(point.get("name", "")) for point in points))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path.name} is no file of landmark pairs: a value is missing or no number.") from error


def _view_points(path: Path, geometry: XRayGeometry) -> tuple[tuple[str, ...], Pixels]:
    """Names and pixels (N, 2) of a film's points."""
    if path.suffix.lower() == ".json":
        document = read_json_object(path)
        if "markups" not in document:
            try:
                return tuple(document), np.array([_pixel(pixel) for pixel in document.values()]).reshape(-1, 2)
            except (TypeError, ValueError) as error:
                raise InputError(f'{path.name} must hold pixels by name: {{"name": [column, row], ...}}.') from error
    points = read_points(path)
    if (geometry.depth_mm(points.ras_mm) <= 0).any():
        raise InputError(f"{path.name} has points behind the source: place them on the film in the 3D view.")
    return points.names, geometry.project(points.ras_mm)


def _pixel(value: Any) -> tuple[float, float]:
    column, row = (float(number) for number in value)
    return column, row


def _paired(ct_names: Sequence[str], names: Sequence[str], pixels: Pixels, ct_file: str, view_file: str) -> Pixels:
    """The film's pixels in the order of the CT's points, NaN where one was not picked."""
    for file, given in ((ct_file, ct_names), (view_file, names)):
        named = [name for name in given if name]
        if len(set(named)) != len(named):
            raise InputError(f"{file} uses a name for two landmarks: give every point its own.")
    if not (set(ct_names) & set(names)) - {""}:
        if len(ct_names) != len(names):
            raise InputError(
                f"{view_file} has {len(names)} landmarks without names of {ct_file}'s {len(ct_names)}: name them alike."
            )
        return pixels
    if unknown := [name or "(unnamed)" for name in names if name not in ct_names]:
        raise InputError(f"{view_file} has landmarks that {ct_file} lacks ({', '.join(unknown)}): name them alike.")
    paired = np.full((len(ct_names), 2), np.nan)
    for name, pixel in zip(names, pixels, strict=True):
        paired[ct_names.index(name)] = pixel
    return paired
