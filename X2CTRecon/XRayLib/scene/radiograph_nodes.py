"""Radiographs between the scene and ``Radiograph``: a one-slice volume that stands on the detector plane."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np

from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry
from XRayLib.geometry.geometry_file import geometry_document, parse_geometry_document
from XRayLib.radiograph import Radiograph
from XRayLib.scene.matrices import is_rigid, place_version, rigid_local_to_world, vtk_matrix
from XRayLib.scene.provenance import read_attribute, read_json_attribute, write_attributes
from XRayLib.scene.volume_nodes import ijk_to_ras_of

MASK_ROLE = "XRay3DMask"
SAME_PLACE_MM = 0.01
"""A film's corners off by less are where they were put: files keep positions to so many digits."""


def is_radiograph(node: Any) -> bool:
    """Whether the node was made by ``put_radiograph``."""
    return node is not None and read_attribute(node, "Kind") == "radiograph"


def film_version(node: Any) -> tuple:
    """Changes when, and only when, what ``radiograph_from_node`` returns may have changed."""
    image, mask = node.GetImageData(), node.GetNodeReference(MASK_ROLE)
    pixels = tuple(0 if data is None else data.GetMTime() for data in (image, mask and mask.GetImageData()))
    return node.GetID(), read_attribute(node, "Geometry"), pixels, place_version(node), ijk_to_ras_of(node).tobytes()


def misplacement(node: Any) -> str:
    """Why the X-ray of a radiograph node cannot be used where it stands, and what to do; empty when it can."""
    try:
        film_geometry(node)
    except InputError as error:
        return str(error)
    return ""


def well_placed(nodes: Iterable[Any]) -> list[Any]:
    """The radiograph nodes that can be shown and used where they stand."""
    return [node for node in nodes if not misplacement(node)]


def put_radiograph(radiograph: Radiograph, name: str, node: Any = None) -> Any:
    """Write a radiograph into ``node``, or into a new scalar volume node, with its geometry; returns the node."""
    import slicer

    if node is None:
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    slicer.util.updateVolumeFromArray(node, radiograph.line_integral[np.newaxis])
    set_geometry(node, radiograph.geometry, radiograph.view)
    write_attributes(
        node,
        {
            "Kind": "radiograph",
            "Calibrated": radiograph.calibrated,
            "Assumptions": list(radiograph.assumptions),
            "Source": radiograph.source,
        },
    )
    if radiograph.mask is not None or node.GetNodeReference(MASK_ROLE) is not None:
        put_mask(node, radiograph.mask)
    node.CreateDefaultDisplayNodes()
    show_as_film(node, radiograph)
    return node


def set_geometry(node: Any, geometry: XRayGeometry, view: str) -> None:
    """Change where the film of a radiograph node stands; ``geometry`` is in the frame of the node."""
    write_attributes(node, {"Geometry": geometry_document(geometry), "View": view})
    node.SetIJKToRASMatrix(vtk_matrix(geometry.pixel_to_ras))
    mask_node = node.GetNodeReference(MASK_ROLE)
    if mask_node is not None:
        mask_node.CopyOrientation(node)


def put_mask(node: Any, mask: np.ndarray | None) -> Any:
    """Write the exposed field of a radiograph, None for all of it, into a hidden node of its own; returns that."""
    import slicer

    mask_node = node.GetNodeReference(MASK_ROLE)
    if mask_node is None:
        mask_node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", node.GetName() + " mask")
        mask_node.SetHideFromEditors(True)
        node.SetNodeReferenceID(MASK_ROLE, mask_node.GetID())
    field = np.ones_like(slicer.util.arrayFromVolume(node)[0], np.uint8) if mask is None else mask.astype(np.uint8)
    slicer.util.updateVolumeFromArray(mask_node, field[np.newaxis])
    mask_node.CopyOrientation(node)
    return mask_node


def show_as_film(node: Any, radiograph: Radiograph) -> None:
    """Grey levels between the film's own dark and bright percentiles, bone bright."""
    values = radiograph.line_integral if radiograph.mask is None else radiograph.line_integral[radiograph.mask]
    low, high = np.percentile(values if values.size else radiograph.line_integral, [0.5, 99.8])
    display = node.GetDisplayNode()
    display.SetAndObserveColorNodeID("vtkMRMLColorTableNodeGrey")
    display.SetAutoWindowLevel(False)
    display.SetWindowLevelMinMax(float(low), float(max(high, low + 1e-6)))


def radiograph_from_node(node: Any) -> Radiograph:
    """The radiograph in a node made by ``put_radiograph``, in world RAS (rigid parent transforms applied).

    Raises InputError for another kind of node and for transforms that are not rigid.
    """
    import slicer

    geometry = film_geometry(node)
    mask_node = node.GetNodeReference(MASK_ROLE)
    mask = None if mask_node is None else np.array(slicer.util.arrayFromVolume(mask_node)[0], bool)
    return Radiograph(
        line_integral=np.array(slicer.util.arrayFromVolume(node)[0], np.float32),
        geometry=geometry,
        mask=mask,
        calibrated=bool(read_json_attribute(node, "Calibrated", False)),
        view=read_attribute(node, "View"),
        source=read_attribute(node, "Source"),
        assumptions=tuple(read_json_attribute(node, "Assumptions", ())),
    )


def film_geometry(node: Any) -> XRayGeometry:
    """The geometry of a radiograph node in world RAS, without its pixels; raises as ``radiograph_from_node``."""
    if not is_radiograph(node):
        raise InputError(f"'{node.GetName()}' carries no X-ray geometry: add it as an X-ray first.")
    local = _parsed(read_attribute(node, "Geometry"))
    return local.moved(np.linalg.inv(rigid_local_to_world(node) @ _hardened(node, local)))


@lru_cache(maxsize=64)
def _parsed(document: str) -> XRayGeometry:
    """Asked for many times while a slider moves."""
    return parse_geometry_document(json.loads(document or "null")).geometry


def _hardened(node: Any, geometry: XRayGeometry) -> np.ndarray:
    """(4, 4) by which the film was moved since it was put on its detector, by a transform that was hardened."""
    put, now = geometry.pixel_to_ras, ijk_to_ras_of(node)
    columns, rows = geometry.size_px
    corners = np.array([[0, 0, 0, 1], [columns, 0, 0, 1], [0, rows, 0, 1]], float).T
    if np.abs((now - put) @ corners).max() < SAME_PLACE_MM:
        return np.eye(4)
    moved = now @ np.linalg.inv(put)
    if not is_rigid(moved):
        raise InputError(f"'{node.GetName()}' was stretched or sheared: remove it and add the X-ray again.")
    return moved


def remove_film(node: Any) -> None:
    """Take a film out of the scene with all nodes that were made for it."""
    import slicer

    for one in (*nodes_made_for(node), node):
        slicer.mrmlScene.RemoveNode(one)


def nodes_made_for(film: Any) -> list[Any]:
    """Mask, set-up, re-projections, residuals and lines of a film."""
    roles = [film.GetNthNodeReferenceRole(index) for index in range(film.GetNumberOfNodeReferenceRoles())]
    own = [role for role in roles if role.startswith("XRay3D")]
    made = [film.GetNthNodeReference(role, n) for role in own for n in range(film.GetNumberOfNodeReferences(role))]
    return [node for node in made if node is not None]


def put_on_detector(image: np.ndarray, radiograph: Radiograph, name: str, node: Any = None) -> Any:
    """An image on the radiograph's pixel grid (re-projection, residual) as a node on the same detector plane."""
    import slicer

    if node is None:
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    slicer.util.updateVolumeFromArray(node, np.asarray(image, np.float32)[np.newaxis])
    node.SetIJKToRASMatrix(vtk_matrix(radiograph.geometry.pixel_to_ras))
    node.CreateDefaultDisplayNodes()
    return node
