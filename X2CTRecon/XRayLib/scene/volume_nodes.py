"""CT volumes between the scene and ``Volume``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.scene.matrices import array_of, local_to_world, vtk_matrix
from XRayLib.scene.provenance import read_attribute

RECONSTRUCTION = "reconstruction"
"""XRay3D.Kind of a volume that a method made."""
CT_WINDOW_LEVEL = (1400.0, -200.0)
"""Window and level that show lung, soft tissue and bone of a chest at once, in HU."""
RENDERED_TISSUES = (
    # HU, opacity, colour
    (-1024.0, 0.0, (0.0, 0.0, 0.0)),
    (-500.0, 0.0, (0.30, 0.15, 0.12)),
    (-200.0, 0.03, (0.75, 0.50, 0.42)),
    (60.0, 0.05, (0.80, 0.48, 0.38)),
    (140.0, 0.22, (0.93, 0.78, 0.62)),
    (300.0, 0.55, (0.98, 0.93, 0.84)),
    (1000.0, 0.85, (1.0, 1.0, 0.98)),
)
"""Skin and organs as a veil, bone solid. Set here rather than by a preset: reconstructions are smoother than CTs, so
their bone begins lower than presets for CTs expect."""


def is_reconstruction(node: Any) -> bool:
    """Whether the node is a volume that a method made."""
    return node is not None and read_attribute(node, "Kind") == RECONSTRUCTION


def volume_from_node(node: Any, in_world: bool = True) -> Volume:
    """The voxels of a scalar volume node, quantity "HU".

    ``ijk_to_ras`` goes to world RAS (parent transforms applied), or to the node's own RAS when not ``in_world``.
    """
    import slicer

    if node.GetImageData() is None:
        raise InputError(f"'{node.GetName()}' holds no image: choose a loaded CT volume.")
    voxels = np.array(slicer.util.arrayFromVolume(node), dtype=np.float32)
    to_world = local_to_world(node) if in_world else np.eye(4)
    return Volume(voxels, to_world @ ijk_to_ras_of(node), "HU")


def ijk_to_ras_of(node: Any) -> NDArray[np.float64]:
    """(4, 4) from voxel indices to the volume node's own RAS."""
    import vtk

    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return array_of(matrix)


def put_volume(volume: Volume, name: str, node: Any = None) -> Any:
    """Write a volume into ``node``, or into a new scalar volume node of that name, and return the node."""
    import slicer

    if node is None:
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    modifying = node.StartModify()
    try:
        slicer.util.updateVolumeFromArray(node, volume.voxels)
        node.SetIJKToRASMatrix(vtk_matrix(volume.ijk_to_ras))
        if volume.quantity.startswith("HU"):
            set_hounsfield_units(node)
    finally:
        node.EndModify(modifying)
    if node.GetDisplayNode() is None:
        node.CreateDefaultDisplayNodes()
    return node


def set_hounsfield_units(node: Any) -> None:
    """Mark the voxel values as attenuation coefficients in HU, as Slicer's DICOM reader does for CT."""
    import slicer

    for setter, code in (
        (node.SetVoxelValueQuantity, ("112031", "DCM", "Attenuation Coefficient")),
        (node.SetVoxelValueUnits, ("[hnsf'U]", "UCUM", "Hounsfield unit")),
    ):
        entry = slicer.vtkCodedEntry()
        entry.SetValueSchemeMeaning(*code)
        setter(entry)


def show_as_ct(node: Any) -> None:
    """Grey levels that show a whole chest."""
    display = node.GetDisplayNode()
    display.SetAndObserveColorNodeID("vtkMRMLColorTableNodeGrey")
    display.SetAutoWindowLevel(False)
    display.SetWindowLevel(*CT_WINDOW_LEVEL)


def show_volume_rendering(node: Any, logic: Any, view_node_ids: tuple[str, ...] = ()) -> Any:
    """Volume rendering of a volume in HU, bone solid in a veil of soft tissue; returns the display node."""
    display = logic.GetFirstVolumeRenderingDisplayNode(node)
    if display is None:
        display = logic.CreateDefaultVolumeRenderingNodes(node)
    _render_tissues(display.GetVolumePropertyNode().GetVolumeProperty())
    if view_node_ids:
        display.SetViewNodeIDs(list(view_node_ids))
    display.SetVisibility(True)
    return display


def _render_tissues(rendering: Any) -> None:
    import vtk

    opacity, color, edges = vtk.vtkPiecewiseFunction(), vtk.vtkColorTransferFunction(), vtk.vtkPiecewiseFunction()
    for hu, opaque, rgb in RENDERED_TISSUES:
        opacity.AddPoint(hu, opaque)
        color.AddRGBPoint(hu, *rgb)
    for gradient, visible in ((0.0, 0.4), (60.0, 1.0), (2000.0, 1.0)):
        edges.AddPoint(gradient, visible)
    rendering.SetScalarOpacity(opacity)
    rendering.SetColor(color)
    rendering.SetGradientOpacity(edges)
    rendering.SetInterpolationTypeToLinear()
    rendering.ShadeOn()
    rendering.SetAmbient(0.25)
    rendering.SetDiffuse(0.8)
    rendering.SetSpecular(0.15)
