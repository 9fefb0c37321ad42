"""What is a CT's own: a pose that was hardened must not move it a second time, and another CT's not at all."""

from __future__ import annotations

from typing import Any

from XRayLib.scene.matrices import DEFORMATION, pose_above
from XRayLib.scene.pose_nodes import pose_record
from XRayLib.scene.provenance import read_attribute

NO_CT = ("", "")

CARRIED_BY_ROLE = "XRay3DCarriedBy"
"""Node reference from a CT to the pose transform that this panel put it under."""
OWN_ROLES = {"ctLandmarks": "XRay3DLandmarks", "pointCloud": "XRay3DPointCloud"}
"""Node references from a CT to what lies in it, by the name that the parameter node has for it."""


def mark_carried(node: Any) -> None:
    """Remember, in the scene, that the parameter node's CT is under its pose transform."""
    ct, transform_id = node.ctVolume, node.poseTransform.GetID()
    if ct.GetNodeReferenceID(CARRIED_BY_ROLE) != transform_id:
        ct.SetNodeReferenceID(CARRIED_BY_ROLE, transform_id)


def release_if_hardened(node: Any) -> None:
    """A CT that was under its pose transform and now is under none has been hardened, or taken out: it stays there.

    The transforms stay in the scene; the next registration gets a pose of its own.
    """
    ct, transform = node.ctVolume, node.poseTransform
    if transform is None or ct.GetNodeReferenceID(CARRIED_BY_ROLE) != transform.GetID():
        return
    if ct.GetParentTransformNode() is None:
        ct.SetNodeReferenceID(CARRIED_BY_ROLE, None)
        node.poseTransform = None
        node.deformation = None


def take_own(node: Any, before: tuple[str, str] | None) -> tuple[str, str]:
    """Another CT that is chosen comes with the pose, the landmarks and the points that it was given earlier, or with
    none, not with the former CT's.

    ``before`` is what this returned last: CT and pose of then; None the first time. A pose that the user chooses for
    the CT stays.
    """
    ct, pose = node.ctVolume, node.poseTransform
    is_another = (before is not None and ct.GetID() != before[0]) or _is_of_another(ct, pose, before)
    for name, role in OWN_ROLES.items():
        if is_another:
            setattr(node, name, ct.GetNodeReference(role))
        elif getattr(node, name) is not ct.GetNodeReference(role):
            ct.SetNodeReferenceID(role, None if getattr(node, name) is None else getattr(node, name).GetID())
    if is_another and (pose is None or before is None or pose.GetID() == before[1]):
        parent = ct.GetParentTransformNode()
        is_deformed = parent is not None and read_attribute(parent, "Kind") == DEFORMATION
        node.deformation = parent if is_deformed else None
        node.poseTransform = ct.GetNodeReference(CARRIED_BY_ROLE)
    return ct.GetID(), "" if node.poseTransform is None else node.poseTransform.GetID()


def leave_own(node: Any, before: tuple[str, str] | None) -> tuple[str, str] | None:
    """The CT was deleted, or none is chosen: what was its own is not the next one's. A pose chosen before any CT stays.

    ``before`` and what is returned are as of ``take_own``.
    """
    if before in (None, NO_CT):
        return before
    for name in (*OWN_ROLES, "deformation", "poseTransform"):
        setattr(node, name, None)
    return NO_CT


def _is_of_another(ct: Any, pose: Any, before: tuple[str, str] | None) -> bool:
    """Whether the pose is that of a deleted CT, whose node's ID Slicer gives to the next one."""
    if pose is None or pose_above(ct) is pose or ct.GetNodeReference(CARRIED_BY_ROLE) is pose:
        return False
    return pose_record(pose) is not None if before is None else pose.GetID() == before[1]
