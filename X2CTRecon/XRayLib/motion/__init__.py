"""How anatomy moves: displacement fields, breathing and random deformations of one patient's CT and organ."""

from XRayLib.motion.displacement_field import DisplacementField
from XRayLib.motion.displacement_file import load_displacement_field

__all__ = ["DisplacementField", "load_displacement_field"]
