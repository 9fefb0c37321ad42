"""What the proof of organ meshes and deformations shows: which patient, in which breath, seen from where and how."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from elastic_breathing import Breath
from numpy.typing import NDArray
from XRayLib.geometry import XRayGeometry

SOURCE_TO_DETECTOR_MM, SOURCE_TO_ISOCENTER_MM = 1020.0, 700.0
DETECTOR_MM, DETECTOR_PX = 400.0, 256

ANGLES = ("0", "45", "90")
"""DICOM primary angles, one film each; "0+90" would be two films of one breath."""
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
    second_angle_deg: float | None = None
    """Of another film of the same breath, where there are two."""

    @property
    def key(self) -> str:
        """Unique name; a row with this key is not run again."""
        noise = "/noise" if self.pose_noise else ""
        organ = "" if self.organ == "liver" else f"/{self.organ}"
        return f"{self.ct}/{self.angles}/{self.realism}/{self.index}/seed{self.seed}{noise}{organ}"

    @property
    def angles(self) -> str:
        """ "0", or "0+90" of two films."""
        return "+".join(f"{angle:g}" for angle in (self.angle_deg, self.second_angle_deg) if angle is not None)

    def films(self) -> list[BreathCase]:
        """The same with one film each."""
        angles = [angle for angle in (self.angle_deg, self.second_angle_deg) if angle is not None]
        return [replace(self, angle_deg=angle, second_angle_deg=None) for angle in angles]

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
    cts: Sequence[str],
    count: int,
    seed: int,
    *,
    first: int = 0,
    pose_noise: bool = False,
    organ: str = "liver",
    angles: Sequence[str] = ANGLES,
) -> Iterator[BreathCase]:
    """``count`` breaths per CT, each from every angle or pair of angles; realism goes round with the index."""
    for ct in cts:
        for index in range(first, first + count):
            for one, second in (_pair(films) for films in angles):
                yield BreathCase(ct, one, LEVELS[index % 3], index, seed, pose_noise, organ, second)


def _pair(films: str) -> tuple[float, float | None]:
    one, _, second = films.partition("+")
    return float(one), float(second) if second else None
