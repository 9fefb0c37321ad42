"""Metrics, one definition each with its source; never shown without trivial baselines."""

from XRayLib.metrics.evaluate_deformation import evaluate_deformation
from XRayLib.metrics.evaluate_files import evaluate_files
from XRayLib.metrics.evaluate_mesh import evaluate_mesh
from XRayLib.metrics.evaluate_pose import evaluate_pose
from XRayLib.metrics.evaluate_volume import evaluate_volume
from XRayLib.metrics.perceptual import Lpips
from XRayLib.motion import DisplacementField, load_displacement_field

__all__ = [
    "DisplacementField",
    "Lpips",
    "evaluate_deformation",
    "evaluate_files",
    "evaluate_mesh",
    "evaluate_pose",
    "evaluate_volume",
    "load_displacement_field",
]
