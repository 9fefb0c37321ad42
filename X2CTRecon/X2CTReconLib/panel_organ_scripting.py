"""An organ on X-rays for scripts: the same steps as in the panel, each waiting for its result."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import slicer
from numpy.typing import ArrayLike
from XRayLib.case import Case, Options, SurfaceMesh
from XRayLib.errors import InputError
from XRayLib.registry import Method
from XRayLib.registry import method as method_by_id
from XRayLib.scene.matrices import pose_above, rigid_local_to_world, rigid_to_world, vtk_matrix
from XRayLib.scene.organ_result import OrganInput, OrganNodes, put_organ_result
from XRayLib.scene.organ_source import OrganSource, is_ready
from XRayLib.scene.panel.prepared_views import views_deg
from XRayLib.scene.radiograph_nodes import radiograph_from_node
from XRayLib.scene.scene_step import SceneStep
from XRayLib.scene.volume_nodes import volume_from_node
from XRayLib.scene.worker_session import blocking_client, finished

PLANNED_ROLE, TABLE_ROLE = "XRay3DPlannedOrgan", "XRay3DOrganTable"
"""Node references from an organ's model to what was made with it."""


def find_organ(
    ct: Any,
    organ: Any,
    films: Sequence[Any],
    pose: Any,
    method_id: str,
    segment: str,
    model: Any,
    extra: Mapping[str, Any],
) -> OrganNodes:
    """Run a mesh method in the worker, wait, and put the organ into the scene in one step."""
    method, source = mesh_method(method_id), organ_source(organ, segment)
    template, place = organ_surface(source, ct), ct_to_world(ct, pose)
    radiographs = tuple(radiograph_from_node(film) for film in films)
    case = Case(radiographs, ct=volume_from_node(ct, in_world=False), mesh=template, initial_ct_to_world=place)
    method.check(case)
    started = time.monotonic()
    result = blocking_client().run_blocking(method_id, case, Options(extra=dict(extra)))
    seconds, step = time.monotonic() - started, SceneStep()
    with step.recording():
        given = OrganInput(ct, source, template, tuple(films), _pose_node(ct, pose))
        nodes = put_organ_result(result, given, _made_with(model), step, seconds)
        nodes.now.SetNodeReferenceID(PLANNED_ROLE, nodes.planned.GetID())
        nodes.now.SetNodeReferenceID(TABLE_ROLE, nodes.table.GetID())
    return nodes


def prepare_organ(
    ct: Any, organ: Any, films: Sequence[Any], pose: Any, method_id: str, segment: str, minutes: float
) -> dict[str, Any]:
    """Train a mesh method for an organ of a CT and the films' angles, and wait; returns what is prepared."""
    mesh_method(method_id)
    surface = organ_surface(organ_source(organ, segment), ct)
    views = views_deg(films, ct_to_world(ct, pose))
    settings = {"minutes": float(minutes), **({"views_deg": views} if views else {})}
    volume = volume_from_node(ct, in_world=False)
    return finished(blocking_client().prepare_patient(volume, method_id, settings, mesh=surface))


def mesh_method(method_id: str) -> Method:
    """The method of that id. Raises InputError for one that finds no organ."""
    method = method_by_id(method_id)
    if method.returns != "mesh":
        raise InputError(f"{method.title} finds no organ: choose an organ method.")
    return method


def organ_source(organ: Any, segment: str) -> OrganSource:
    """A model node, or a segmentation node with the name or the id of a segment (its only one when not named)."""
    if not organ.IsA("vtkMRMLSegmentationNode"):
        return OrganSource(organ)
    segmentation = organ.GetSegmentation()
    names = {id_: segmentation.GetSegment(id_).GetName() for id_ in segmentation.GetSegmentIDs()}
    found = [id_ for id_, name in names.items() if segment in (id_, name) or not segment]
    if len(found) != 1:
        raise InputError(f"Name one segment of '{organ.GetName()}': {', '.join(names.values()) or 'it has none'}.")
    return OrganSource(organ, found[0])


def organ_surface(source: OrganSource, ct: Any) -> SurfaceMesh:
    """The organ in CT RAS, as the panel gives it to methods; waits for the worker when it has to be meshed."""
    organ = source.in_ct(ct)
    if isinstance(organ, SurfaceMesh) and is_ready(organ):
        return organ
    return finished(blocking_client().organ_template(organ))


def ct_to_world(ct: Any, pose: Any) -> np.ndarray:
    """(4, 4) of a transform node, as given, or, for None, of the CT's own transform."""
    if pose is None:
        return rigid_local_to_world(ct)
    if hasattr(pose, "IsA"):
        return rigid_to_world(pose)
    matrix = np.asarray(pose, float)
    if matrix.shape != (4, 4):
        raise InputError("The CT's pose is a transform node or a 4x4 matrix.")
    return matrix


def _pose_node(ct: Any, pose: ArrayLike | Any) -> Any:
    """The transform that places the planned organ; a new one for a matrix."""
    if pose is None:
        return pose_above(ct)
    if hasattr(pose, "IsA"):
        return pose
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", ct.GetName() + " pose")
    node.SetMatrixTransformToParent(vtk_matrix(ct_to_world(ct, pose)))
    return node


def _made_with(model: Any) -> OrganNodes:
    """The nodes to write over; none for None."""
    if model is None:
        return OrganNodes()
    return OrganNodes(model, model.GetNodeReference(PLANNED_ROLE), model.GetNodeReference(TABLE_ROLE))
