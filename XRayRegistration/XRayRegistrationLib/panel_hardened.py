"""A CT whose pose or deformation the user hardened is where it belongs: it must not be moved a second time."""

from __future__ import annotations

from typing import Any

CARRIED_BY_ROLE = "XRay3DCarriedBy"
"""Node reference from a CT to the pose transform that this panel put it under."""


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
