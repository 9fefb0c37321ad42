"""An organ that X-rays showed, as models: where it is now, and where it was planned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from XRayLib.case import Result, SurfaceMesh
from XRayLib.scene.organ_source import OrganLook
from XRayLib.scene.provenance import read_attribute, read_json_attribute, write_attributes
from XRayLib.scene.scalar_display import color_by, hide_legend, show_legend
from XRayLib.scene.surface_nodes import poly_data

ORGAN, PLANNED = "organ", "planned organ"
"""XRay3D.Kind of the two."""
PLANNED_COLORS = ((0.15, 0.5, 1.0), (1.0, 0.6, 0.1))
"""The first, or the second for an organ that looks much like the first."""
TOLD_APART = 0.5
"""Distance of two colours in RGB, 0 to 1 each, from which nobody takes one for the other."""
STATEMENT = (
    "Research use only. Not a medical device. The surface is an estimate from X-rays: along the beam of a single film "
    "it is what usually goes with what the film shows."
)
SCALARS = {"displacement_mm": "Moved (mm)", "deviation_mm": "Error bar (mm)"}
"""Point arrays of the organ, and the titles of their legends."""


def put_organ(result: Result, look: OrganLook, numbers: Mapping[str, float], node: Any = None) -> Any:
    """Write ``result.mesh`` (world RAS) into ``node``, or into a new model that looks like the organ."""
    node = _model(poly_data(result.mesh), f"{look.name} now", node)
    node.SetAndObserveTransformNodeID(None)
    display = node.GetDisplayNode()
    display.SetColor(*look.color)
    display.SetOpacity(look.opacity)
    write_attributes(
        node,
        {
            "Kind": ORGAN,
            "Organ": look.name,
            "Method": result.method,
            "Provenance": dict(result.provenance),
            "Quality": {name: float(value) for name, value in result.quality.items()},
            "Measures": {name: float(value) for name, value in numbers.items()},
            "Warnings": list(result.warnings),
            "Statement": STATEMENT,
        },
    )
    return node


def put_planned(template: SurfaceMesh, look: OrganLook, pose: Any, node: Any = None) -> Any:
    """Write the organ in CT RAS into ``node``, or into a new wireframe, under the CT's pose (None: no transform)."""
    node = _model(poly_data(template), f"{look.name} planned", node)
    display = node.GetDisplayNode()
    display.SetRepresentation(display.WireframeRepresentation)
    display.SetColor(*planned_color(look))
    display.SetLighting(False)
    node.SetAndObserveTransformNodeID(None if pose is None else pose.GetID())
    write_attributes(node, {"Kind": PLANNED, "Organ": look.name})
    return node


def planned_color(look: OrganLook) -> tuple[float, float, float]:
    """The colour of the organ as it was planned, told apart from the organ's own."""
    return max(PLANNED_COLORS, key=lambda color: min(np.linalg.norm(np.subtract(color, look.color)), TOLD_APART))


def _model(surface: Any, name: str, node: Any) -> Any:
    import slicer

    if node is None:
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode", slicer.mrmlScene.GenerateUniqueName(name))
    node.SetAndObservePolyData(surface)
    if node.GetDisplayNode() is None:
        node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetVisibility2D(True)
    node.GetDisplayNode().SetSliceIntersectionThickness(2)
    return node


def is_organ(node: Any) -> bool:
    """Whether the node was made by ``put_organ``."""
    return node is not None and read_attribute(node, "Kind") == ORGAN


def scalars_of(node: Any) -> dict[str, np.ndarray]:
    """The numbers on the organ's points, by name."""
    from vtk.util.numpy_support import vtk_to_numpy

    points = None if node.GetPolyData() is None else node.GetPolyData().GetPointData()
    return {name: vtk_to_numpy(points.GetArray(name)) for name in SCALARS if points and points.GetArray(name)}


def show_organ_as(node: Any, scalar: str, highest: float | None = None) -> None:
    """Colour the organ by a name of SCALARS with a legend; any other text, or one it lacks: in its own colour.

    ``highest`` keeps the colours of a run the same in all its frames.
    """
    display, scalars = node.GetDisplayNode(), scalars_of(node)
    if scalar in scalars:
        color_by(display, scalar, scalars[scalar], highest)
        show_legend(display, SCALARS[scalar])
    else:
        display.SetScalarVisibility(False)
        hide_legend(display)


def measures_of(node: Any) -> dict[str, float]:
    """The numbers that ``put_organ`` was given."""
    return read_json_attribute(node, "Measures", {})
