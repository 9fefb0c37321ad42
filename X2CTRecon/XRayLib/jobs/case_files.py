"""A Case or a Result as a folder: ``case.json`` or ``result.json`` and ``.npy`` arrays beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from XRayLib.case import Case, Result, SurfaceMesh, View
from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.geometry import geometry_document, parse_geometry_document
from XRayLib.jobs.array_files import read_array, read_document, write_array, write_document
from XRayLib.jobs.pose_documents import (
    deformation_document,
    landmarks_document,
    parse_deformation,
    parse_landmarks,
    parse_number,
    parse_point_cloud,
    parse_pose,
    parse_pose_quality,
    point_cloud_document,
    pose_quality_document,
)
from XRayLib.radiograph import Radiograph

CASE_FORMAT = "xray3d.case/1"
RESULT_FORMAT = "xray3d.result/1"
RADIOGRAPH_FORMAT = "xray3d.radiograph/1"
VOLUME_FORMAT = "xray3d.volume/1"
MESH_FORMAT = "xray3d.mesh/1"

Document = Mapping[str, Any]


KEPT: Document = {"kept": True}
"""In place of a CT: the one that the reader kept of an earlier case."""


def write_case(folder: Path, case: Case, *, ct_is_kept: bool = False) -> None:
    """Write ``case.json`` and the arrays into an existing folder; ``ct_is_kept`` leaves the CT's out."""
    document = {
        "format": CASE_FORMAT,
        "radiographs": [
            radiograph_document(folder, f"radiograph{n}", radiograph) for n, radiograph in enumerate(case.radiographs)
        ],
        "ct": KEPT if ct_is_kept else _optional(volume_document, folder, "ct", case.ct),
        "mesh": _optional(mesh_document, folder, "mesh", case.mesh),
        "initial_ct_to_world": case.initial_ct_to_world,
        "body_part": case.body_part,
        "landmarks": _optional(landmarks_document, folder, "landmarks", case.landmarks),
        "labels": _optional(volume_document, folder, "labels", case.labels),
        "middle_ras_mm": case.middle_ras_mm,
    }
    write_document(folder, "case", document)


def read_case(folder: Path, *, mapped: bool = False, kept_ct: Volume | None = None) -> Case:
    """The case of a folder. ``mapped`` leaves large arrays in their files until they are touched.

    ``kept_ct`` is the CT of a case that was written without it; InputError when it is missing.
    """
    document = read_document(folder, "case", CASE_FORMAT)
    if document.get("ct") == KEPT:
        if kept_ct is None:
            raise InputError("The CT that the case refers to is not here any more: start again.")
        document = {**document, "ct": None}
    else:
        kept_ct = None
    with _reading("case"):
        return Case(
            radiographs=tuple(parse_radiograph(folder, entry, mapped=mapped) for entry in document["radiographs"]),
            ct=kept_ct or _optional_parse(parse_volume, folder, document["ct"], mapped),
            mesh=_optional_parse(parse_mesh, folder, document["mesh"], mapped),
            initial_ct_to_world=parse_pose(document["initial_ct_to_world"]),
            body_part=str(document["body_part"]),
            landmarks=_optional_parse(parse_landmarks, folder, document["landmarks"]),
            labels=_optional_parse(parse_volume, folder, document["labels"], mapped),
            middle_ras_mm=_point(document["middle_ras_mm"]),
        )


def write_result(folder: Path, result: Result, case: Case | None = None) -> None:
    """Write ``result.json`` and the arrays. Radiographs that are those of ``case`` are referred to, not copied.

    The arrays' names all begin with "result_": a result may hold arrays of a mapped case, whose files lie in the same
    folder and must not be overwritten.
    """
    document = {
        "format": RESULT_FORMAT,
        "method": result.method,
        "volume": _optional(volume_document, folder, "result_volume", result.volume),
        "uncertainty": _optional(volume_document, folder, "result_uncertainty", result.uncertainty),
        "labels": _optional(volume_document, folder, "result_labels", result.labels),
        "mesh": _optional(mesh_document, folder, "result_mesh", result.mesh),
        "ct_to_world": result.ct_to_world,
        "deformation": _optional(deformation_document, folder, "result_deformation", result.deformation),
        "pose_quality": None if result.pose_quality is None else pose_quality_document(result.pose_quality),
        "point_cloud": _optional(point_cloud_document, folder, "result_point_cloud", result.point_cloud),
        "views": [_view_document(folder, n, view, case) for n, view in enumerate(result.views)],
        "quality": dict(result.quality),
        "warnings": list(result.warnings),
        "provenance": dict(result.provenance),
    }
    write_document(folder, "result", document)


def read_result(folder: Path, case: Case | None = None) -> Result:
    """The result of a folder, wholly in memory; ``case`` is the one it was written with."""
    document = read_document(folder, "result", RESULT_FORMAT)
    with _reading("result"):
        return Result(
            method=str(document["method"]),
            volume=_optional_parse(parse_volume, folder, document["volume"]),
            uncertainty=_optional_parse(parse_volume, folder, document["uncertainty"]),
            labels=_optional_parse(parse_volume, folder, document["labels"]),
            mesh=_optional_parse(parse_mesh, folder, document["mesh"]),
            ct_to_world=parse_pose(document["ct_to_world"]),
            deformation=_optional_parse(parse_deformation, folder, document["deformation"]),
            pose_quality=None if document["pose_quality"] is None else parse_pose_quality(document["pose_quality"]),
            point_cloud=_optional_parse(parse_point_cloud, folder, document["point_cloud"]),
            views=tuple(_parse_view(folder, entry, case) for entry in document["views"]),
            quality={name: parse_number(value) for name, value in document["quality"].items()},
            warnings=tuple(str(sentence) for sentence in document["warnings"]),
            provenance=dict(document["provenance"]),
        )


def volume_document(folder: Path, name: str, volume: Volume) -> Document:
    """Write the voxels as ``<name>.npy`` and return the JSON object that refers to them."""
    return {
        "voxels": write_array(folder, name, volume.voxels),
        "ijk_to_ras": volume.ijk_to_ras,
        "quantity": volume.quantity,
    }


def parse_volume(folder: Path, document: Document, *, mapped: bool = False) -> Volume:
    """The volume of a :func:`volume_document`."""
    voxels = read_array(folder, document["voxels"], ndim=3, mapped=mapped)
    return Volume(voxels, np.asarray(document["ijk_to_ras"], float), str(document["quantity"]))


def radiograph_document(folder: Path, name: str, radiograph: Radiograph) -> Document:
    """Write the pixels as ``<name>.npy`` and return the JSON object that refers to them."""
    mask = radiograph.mask
    return {
        "line_integral": write_array(folder, name, radiograph.line_integral),
        "mask": None if mask is None else write_array(folder, f"{name}_mask", mask),
        "geometry": geometry_document(radiograph.geometry),
        "calibrated": bool(radiograph.calibrated),
        "view": radiograph.view,
        "source": radiograph.source,
        "assumptions": list(radiograph.assumptions),
    }


def parse_radiograph(folder: Path, document: Document, *, mapped: bool = False) -> Radiograph:
    """The radiograph of a :func:`radiograph_document`."""
    mask = document["mask"]
    return Radiograph(
        line_integral=read_array(folder, document["line_integral"], ndim=2, mapped=mapped),
        geometry=parse_geometry_document(document["geometry"]).geometry,
        mask=None if mask is None else read_array(folder, mask, ndim=2).astype(bool),
        calibrated=bool(document["calibrated"]),
        view=str(document["view"]),
        source=str(document["source"]),
        assumptions=tuple(str(sentence) for sentence in document["assumptions"]),
    )


def _view_document(folder: Path, index: int, view: View, case: Case | None) -> Document:
    given = [n for n, r in enumerate(case.radiographs if case else ()) if r is view.radiograph]
    if given:
        radiograph: Document = {"of_case": given[0]}
    else:
        radiograph = radiograph_document(folder, f"result_view{index}", view.radiograph)
    return {
        "radiograph": radiograph,
        "reprojection": write_array(folder, f"result_reprojection{index}", view.reprojection),
        "fitted_gain_offset": list(view.fitted_gain_offset),
        "residual": view.residual,
    }


def _parse_view(folder: Path, document: Document, case: Case | None) -> View:
    entry = document["radiograph"]
    if "of_case" in entry:
        if case is None:
            raise InputError("The result refers to the radiographs of its case, which is missing.")
        radiograph = case.radiographs[entry["of_case"]]
    else:
        radiograph = parse_radiograph(folder, entry)
    gain, offset = (parse_number(value) for value in document["fitted_gain_offset"])
    reprojection = read_array(folder, document["reprojection"], ndim=2).astype(np.float32, copy=False)
    return View(radiograph, reprojection, (gain, offset), parse_number(document["residual"]))


def mesh_document(folder: Path, name: str, mesh: SurfaceMesh) -> Document:
    """Write points, triangles and scalars as ``<name>_*.npy`` and return the JSON object that refers to them."""
    scalars = [
        {"name": scalar, "values": write_array(folder, f"{name}_scalar{n}", values)}
        for n, (scalar, values) in enumerate(mesh.scalars.items())
    ]
    return {
        "points": write_array(folder, f"{name}_points", mesh.points),
        "triangles": write_array(folder, f"{name}_triangles", mesh.triangles),
        "scalars": scalars,
    }


def parse_mesh(folder: Path, document: Document, *, mapped: bool = False) -> SurfaceMesh:
    """The surface of a :func:`mesh_document`."""
    return SurfaceMesh(
        points=read_array(folder, document["points"], ndim=2, mapped=mapped),
        triangles=read_array(folder, document["triangles"], ndim=2, mapped=mapped),
        scalars={str(e["name"]): read_array(folder, e["values"], mapped=mapped) for e in document["scalars"]},
    )


@contextmanager
def _reading(name: str) -> Iterator[None]:
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"The job folder's {name}.json lacks something or holds values of the wrong kind.") from error


def _point(value: Any) -> Any:
    if value is None:
        return None
    point = np.asarray(value, float)
    if point.shape != (3,) or not np.isfinite(point).all():
        raise ValueError("a point has three finite coordinates")
    return point


def _optional(write: Any, folder: Path, name: str, value: Any) -> Document | None:
    return None if value is None else write(folder, name, value)


def _optional_parse(parse: Any, folder: Path, document: Document | None, mapped: bool = False) -> Any:
    return None if document is None else parse(folder, document, mapped=mapped)
