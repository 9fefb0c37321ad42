"""Cone-beam projector: radiographs of a volume, the exact adjoint, and derivatives with respect to pose and volume.

Autograd through it: :mod:`XRayLib.projector.torch_function`.
"""

from XRayLib.projector.backends import BackendStatus, projector_backends
from XRayLib.projector.projection import Projector, backproject, pose_gradient, pose_jacobian, project

__all__ = [
    "BackendStatus",
    "Projector",
    "backproject",
    "pose_gradient",
    "pose_jacobian",
    "project",
    "projector_backends",
]
