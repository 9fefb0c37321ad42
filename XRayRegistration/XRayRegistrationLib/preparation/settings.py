"""How a patient is prepared for registration."""

from __future__ import annotations

from dataclasses import dataclass

from XRayLib.errors import InputError
from XRayLib.preparation.settings import PreparationSettings

PUBLISHED_UNET_WIDTH = 64


@dataclass(frozen=True)
class PosePreparationSettings(PreparationSettings):
    """Those of every preparation, and the density of scene coordinates. The published U-Net has a width of 64."""

    output_stride: int = 4
    """Pixels of the film per scene coordinate; published 1."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.output_stride not in (1, 2, 4, 8):
            raise InputError("The stride of the scene coordinates is 1, 2, 4 or 8 pixels.")
