"""How a patient is prepared for methods that follow breathing."""

from __future__ import annotations

from dataclasses import dataclass

from XRayLib.errors import InputError
from XRayLib.preparation.settings import PreparationSettings

WIDTH_STEP = 8
"""PyTorch's convolutions on processors have been seen to corrupt memory with other numbers of channels."""


@dataclass(frozen=True)
class MotionPreparationSettings(PreparationSettings):
    """Those of every preparation, with other meanings of the ranges.

    ``rotation_range_deg`` is how far views may be turned from the nominal ones (half as far tilted): the network is
    told the view, so wide ranges cost little. ``shift_range_mm`` across and ``depth_range_mm`` along the beam, with
    ``pose_rotation_deg``, are how wrong the CT's rigid pose may be.
    """

    views_deg: tuple[tuple[float, float], ...] = ((0.0, 0.0), (45.0, 0.0), (90.0, 0.0))
    rotation_range_deg: float = 25.0
    shift_range_mm: float = 4.0
    depth_range_mm: float = 8.0
    pose_rotation_deg: float = 2.0
    input_px: int = 128
    """Pixels across the organ's window; 64 where seconds count."""
    exposures: int = 256
    exposures_per_batch: int = 2
    """Here of motion states, each with ``views_per_state`` films."""
    views_per_state: int = 3
    modes: int = 24
    """Principal modes of the patient's motion."""
    states: int = 256
    """Random states that the modes are taken from."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.pose_rotation_deg <= 30 or min(self.shift_range_mm, self.depth_range_mm) < 0:
            raise InputError("The error of the pose must be 0 to 30 degrees, and not negative in mm.")
        if self.width % WIDTH_STEP:
            raise InputError(f"The width must be a multiple of {WIDTH_STEP}, or 0 for the method's own.")
        if self.views_per_state < 1:
            raise InputError("Each motion state needs at least one view.")
        if not 1 <= self.modes < self.states:
            raise InputError("Choose at least one mode of motion, and more states than modes.")
