"""The X-ray set-up in 3D: focal spot, frustum and detector outline of a view as one model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from XRayLib.geometry import XRayGeometry
from XRayLib.scene.provenance import write_attributes
from XRayLib.scene.radiograph_nodes import film_geometry, misplacement

SOURCE_RADIUS_MM = 12.0
FILM_COLORS = ((0.78, 0.63, 0.27), (0.27, 0.63, 0.78), (0.63, 0.39, 0.78), (0.39, 0.71, 0.43))
"""Colours of the films' set-ups, the same as their views'."""
C_ARM_ROLE = "XRay3DCArm"
"""Node reference from a film to the model of its set-up."""


def detector_corners_ras_mm(geometry: XRayGeometry) -> np.ndarray:
    """(4, 3) outer corners of the detector in RAS, in the order (0, 0), (last, 0), (last, last), (0, last)."""
    columns, rows = geometry.size_px
    left, right, top, bottom = -0.5, columns - 0.5, -0.5, rows - 0.5
    corners = np.array([[left, top, 0, 1], [right, top, 0, 1], [right, bottom, 0, 1], [left, bottom, 0, 1]])
    return (corners @ geometry.pixel_to_ras.T)[:, :3]


def c_arm_poly_data(geometry: XRayGeometry) -> Any:
    """vtkPolyData: sphere at the source, lines to the detector's corners, detector outline and its central ray."""
    import vtk

    sphere = vtk.vtkSphereSource()
    sphere.SetCenter(*geometry.source_ras_mm)
    sphere.SetRadius(SOURCE_RADIUS_MM)
    corners = detector_corners_ras_mm(geometry)
    points, lines = vtk.vtkPoints(), vtk.vtkCellArray()
    for position in (geometry.source_ras_mm, *corners):
        points.InsertNextPoint(*position)
    for start, end in [*((0, corner) for corner in range(1, 5)), (1, 2), (2, 3), (3, 4), (4, 1)]:
        lines.InsertNextCell(2)
        lines.InsertCellPoint(start)
        lines.InsertCellPoint(end)
    frustum = vtk.vtkPolyData()
    frustum.SetPoints(points)
    frustum.SetLines(lines)
    append = vtk.vtkAppendPolyData()
    append.AddInputConnection(sphere.GetOutputPort())
    append.AddInputData(frustum)
    append.Update()
    return append.GetOutput()


def put_c_arm(geometry: XRayGeometry, name: str, color: tuple[float, float, float], node: Any = None) -> Any:
    """Write the model of a view into ``node``, or into a new model node, and return the node."""
    import slicer

    if node is None:
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode", name)
    node.SetAndObservePolyData(c_arm_poly_data(geometry))
    if node.GetDisplayNode() is None:
        node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
        display.SetColor(*color)
        display.SetLineWidth(2)
        display.SetLighting(False)
        display.SetVisibility2D(False)
        write_attributes(node, {"Kind": "set-up"})
    return node


def show_set_up(films: Sequence[Any], visible: bool) -> list[Any]:
    """Draw the set-up of each film in 3D, or take it away, as from a film that stands nowhere; returns the models."""
    import slicer

    models = []
    for index, film in enumerate(films):
        model = film.GetNodeReference(C_ARM_ROLE)
        if visible and not misplacement(film):
            color = FILM_COLORS[index % len(FILM_COLORS)]
            model = put_c_arm(film_geometry(film), film.GetName() + " set-up", color, model)
            film.SetNodeReferenceID(C_ARM_ROLE, model.GetID())
            models.append(model)
        elif model is not None:
            slicer.mrmlScene.RemoveNode(model)
    return models
