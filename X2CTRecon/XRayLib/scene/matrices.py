"""numpy matrices to VTK and back, and the linear transform above a node."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from XRayLib.errors import InputError
from XRayLib.scene.provenance import read_attribute

DEFORMATION = "deformation"
"""XRay3D.Kind of a grid transform that a registration made."""


def vtk_matrix(matrix: ArrayLike) -> Any:
    """vtkMatrix4x4 of a (4, 4) array."""
    import vtk

    result = vtk.vtkMatrix4x4()
    result.DeepCopy(np.asarray(matrix, float).ravel().tolist())
    return result


def array_of(matrix: Any) -> NDArray[np.float64]:
    """(4, 4) array of a vtkMatrix4x4."""
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def local_to_world(node: Any) -> NDArray[np.float64]:
    """(4, 4) matrix of the transforms above a transformable node; a registration's deformation is no part of its pose.

    Raises InputError when another of them is not linear: harden or remove it first.
    """
    import vtk

    parent = pose_above(node)
    if parent is None:
        return np.eye(4)
    if not parent.IsTransformToWorldLinear():
        raise InputError(f"'{node.GetName()}' is under a non-linear transform: harden or remove that transform first.")
    matrix = vtk.vtkMatrix4x4()
    parent.GetMatrixTransformToWorld(matrix)
    return array_of(matrix)


def place_version(node: Any) -> bytes:
    """Changes when ``local_to_world`` does; where that raises, the reason stands for the place."""
    try:
        return local_to_world(node).tobytes()
    except InputError as error:
        return str(error).encode()


def pose_above(node: Any) -> Any:
    """The transform node above a node, or above the deformation that it is under; None when there is none."""
    parent = node.GetParentTransformNode()
    is_deformation = parent is not None and read_attribute(parent, "Kind") == DEFORMATION
    return parent.GetParentTransformNode() if is_deformation else parent


def rigid_to_world(transform: Any) -> NDArray[np.float64]:
    """(4, 4) matrix of a transform node and those above it; InputError when they do more than move and turn."""
    import vtk

    if not transform.IsTransformToWorldLinear():
        raise InputError(f"'{transform.GetName()}' is not a linear transform: choose a rigid one.")
    matrix = vtk.vtkMatrix4x4()
    transform.GetMatrixTransformToWorld(matrix)
    if not is_rigid(array_of(matrix)):
        raise InputError(f"'{transform.GetName()}' scales or shears: choose a rigid transform.")
    return array_of(matrix)


def is_rigid(matrix: NDArray[np.float64]) -> bool:
    """Whether a (4, 4) matrix only moves and turns, without scale or shear."""
    return np.allclose(matrix[:3, :3] @ matrix[:3, :3].T, np.eye(3), atol=1e-4)


def rigid_local_to_world(node: Any) -> NDArray[np.float64]:
    """Like ``local_to_world``; InputError when the transforms also scale or shear."""
    matrix = local_to_world(node)
    if not is_rigid(matrix):
        raise InputError(f"'{node.GetName()}' is under a transform that scales or shears: use a rigid transform.")
    return matrix
