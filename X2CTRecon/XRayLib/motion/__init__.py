"""How anatomy moves: displacement fields, breathing and random deformations of one patient's CT and organ."""

from XRayLib.motion.deformation_modes import DeformationModes
from XRayLib.motion.displacement_field import DisplacementField
from XRayLib.motion.displacement_file import load_displacement_field
from XRayLib.motion.motion_model import MotionModel, MotionState
from XRayLib.motion.motion_parameters import MotionParameters, MotionRange
from XRayLib.motion.steered_motion import SteeredMotion

__all__ = [
    "DeformationModes",
    "DisplacementField",
    "MotionModel",
    "MotionParameters",
    "MotionRange",
    "MotionState",
    "SteeredMotion",
    "load_displacement_field",
]
