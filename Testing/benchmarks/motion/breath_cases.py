"""What the proof of organ meshes and deformations shows: which patient, in which breath, seen from where and how."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from elastic_breathing import Breath
from numpy.typing import NDArray
from XRayLib.geometry import XRayGeometry

SOURCE_TO_DETECTOR_MM, SOURCE_TO_ISOCENTER_MM = 1020.0, 700.0
DETECTOR_MM, DETECTOR_PX = 400.0, 256

ANGLES_DEG = (0.0, 45.0, 90.0)
"""DICOM primary angles, one film each."""
LEVELS = ("none", "mild", "hard")


@dataclass(frozen=True)
class BreathCase:
    """One state of one patient on one film, drawn by ``seed`` and ``index`` alone.

    The same index is the same breath from every angle.
    """

    ct: str
    angle_deg: float
    realism: str
    index: int
    seed: int
    pose_noise: bool = False
    """Whether the rigid pose that the method starts from is off, as after a rigid registration: 1 degree, 2 mm."""
    organ: str = "liver"
    """Which is sought; the breath does not depend on it, the film is centred on it."""

    @property
    def key(self) -> str:
        """Unique name; a row with this key is not run again."""
        noise = "/noise" if self.pose_noise else ""
        organ = "" if self.organ == "liver" else f"/{self.organ}"
        return f"{self.ct}/{self.angle_deg:g}/{self.realism}/{self.index}/seed{self.seed}{noise}{organ}"

    def rng(self, purpose: int) -> np.random.Generator:
        """A generator of its own for each purpose, so that a change in one leaves the others' draws alone."""
        return np.random.default_rng([self.seed, zlib.crc32(self.ct.encode()), self.index, purpose])

    def breath(self) -> Breath:
        """The patient's state."""
        return Breath.drawn(self.rng(0))

    def view(self, isocenter_ras_mm: NDArray[np.float64]) -> XRayGeometry:
        """The C-arm about the middle of the body; the world is the CT's RAS."""
        return XRayGeometry.from_c_arm(
            primary_angle_deg=self.angle_deg,
            secondary_angle_deg=0.0,
            source_to_detector_mm=SOURCE_TO_DETECTOR_MM,
            source_to_isocenter_mm=SOURCE_TO_ISOCENTER_MM,
            size_px=(DETECTOR_PX, DETECTOR_PX),
            pixel_spacing_mm=(DETECTOR_MM / DETECTOR_PX,) * 2,
            isocenter_ras_mm=isocenter_ras_mm,
            frame="C-arm room",
        )

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"breath": asdict(self.breath())}


def breath_cases(
    cts: Sequence[str], count: int, seed: int, *, first: int = 0, pose_noise: bool = False, organ: str = "liver"
) -> Iterator[BreathCase]:
    """``count`` breaths per CT, each from every angle; realism goes round with the index."""
    for ct in cts:
        for index in range(first, first + count):
            for angle in ANGLES_DEG:
                yield BreathCase(ct, angle, LEVELS[index % 3], index, seed, pose_noise, organ)
