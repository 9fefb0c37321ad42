"""Cone-beam projector: radiographs of a volume, the exact adjoint, and derivatives with respect to pose and volume."""

from XRayLib.projector.projection import backproject, project

__all__ = ["backproject", "project"]
