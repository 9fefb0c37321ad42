"""What the proof registers: which CT, seen how, moved where, and what is wrong with the film.

The C-arm stands still in the CT's own RAS (the nominal pose is the identity); the patient on the film was moved from
there by a random rigid motion about the isocentre, in the middle of the body.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from XRayLib.geometry import XRayGeometry

Matrix = NDArray[np.float64]

SOURCE_TO_DETECTOR_MM, SOURCE_TO_ISOCENTER_MM = 1020.0, 700.0
DETECTOR_MM, DETECTOR_PX = 400.0, 256

ROTATION_DEG, SHIFT_MM, DEPTH_MM = 30.0, 50.0, 100.0
"""Half ranges: about each axis R, A, S; along both detector axes; along the central ray of the first view."""

VIEWS = {"frontal": (0.0,), "lateral": (90.0,), "frontal+lateral": (0.0, 90.0)}
"""Name -> DICOM primary angles."""
LEVELS = ("none", "mild", "hard")
CYCLE = tuple(
    (views, LEVELS[(level + shift) % 3])
    for shift in range(3)
    for level in range(3)
    for views in (("frontal+lateral", "frontal") if level < 2 else ("frontal+lateral", "frontal", "lateral"))
)
"""What case n of a CT shows is CYCLE[n % 21]: 9 of both views, 9 frontal, 3 lateral, the realism levels alike."""

POSITIVE = ("registration", "occluded", "truncated")
NEGATIVE = ("wrong-patient", "wrong-anatomy", "empty", "mirrored", "rotated")
KINDS = POSITIVE + NEGATIVE

PROOF_CTS = ("chest_lidc0580", "chest_lung1_001", "chest_lidc0001", "abdomen_kits00136", "pelvis_totalseg")
CALIBRATION_CTS = ("chest_lidc0002", "chest_lctsc104", "abdomen_pancreas0020", "abdomen_acrinflt_001")
"""Acceptance and confidence are fitted on these, and judged on the others."""

OTHER_PATIENT = {
    "chest_lidc0580": "chest_lung1_001",
    "chest_lung1_001": "chest_lidc0001",
    "chest_lidc0001": "chest_lidc0580",
    "abdomen_kits00136": "abdomen_pancreas0020",
    "pelvis_totalseg": "abdomen_kits00136",
    "chest_lidc0002": "chest_lctsc104",
    "chest_lctsc104": "chest_lidc0002",
    "abdomen_pancreas0020": "abdomen_acrinflt_001",
    "abdomen_acrinflt_001": "abdomen_pancreas0020",
}
OTHER_ANATOMY = {
    "chest_lidc0580": "abdomen_kits00136",
    "chest_lung1_001": "pelvis_totalseg",
    "chest_lidc0001": "abdomen_kits00136",
    "abdomen_kits00136": "chest_lidc0580",
    "pelvis_totalseg": "chest_lung1_001",
    "chest_lidc0002": "abdomen_pancreas0020",
    "chest_lctsc104": "abdomen_acrinflt_001",
    "abdomen_pancreas0020": "chest_lidc0002",
    "abdomen_acrinflt_001": "chest_lctsc104",
}
"""Whose film is shown instead of the patient's; never one of the other set."""


@dataclass(frozen=True)
class ProofCase:
    """One registration of the proof, drawn by ``seed`` and ``index`` alone."""

    ct: str
    kind: str
    index: int
    seed: int
    views: str
    realism: str

    @property
    def key(self) -> str:
        """Unique name; a row with this key is not run again."""
        return f"{self.ct}/{self.kind}/{self.index}/seed{self.seed}"

    def rng(self, purpose: int) -> np.random.Generator:
        """A generator of its own for each purpose, so that a change in one leaves the others' draws alone."""
        return np.random.default_rng([self.seed, zlib.crc32(f"{self.ct}/{self.kind}".encode()), self.index, purpose])

    @property
    def film_ct(self) -> str:
        """The patient on the film."""
        return {"wrong-patient": OTHER_PATIENT, "wrong-anatomy": OTHER_ANATOMY}.get(self.kind, {}).get(self.ct, self.ct)

    @property
    def is_negative(self) -> bool:
        """Whether no pose of this CT explains the films, so that acceptance is always wrong.

        A film turned in its plane shows the patient turned: one alone can be registered, two contradict each other.
        """
        return self.kind in NEGATIVE and not (self.kind == "rotated" and len(VIEWS[self.views]) == 1)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def proof_cases(
    cts: Sequence[str], count: int, seed: int, kind: str = "registration", first: int = 0
) -> Iterator[ProofCase]:
    """``count`` cases per CT; the same n is the same case however many are asked for."""
    for ct in cts:
        for index in range(first, first + count):
            views, realism = CYCLE[index % len(CYCLE)]
            yield ProofCase(ct, kind, index, seed, views, realism)


def nominal_views(case: ProofCase, isocenter_ras_mm: Matrix) -> list[XRayGeometry]:
    """The C-arm about the body's middle, in the world, which is the CT's RAS at the nominal pose."""
    return [
        XRayGeometry.from_c_arm(
            primary_angle_deg=angle,
            secondary_angle_deg=0.0,
            source_to_detector_mm=SOURCE_TO_DETECTOR_MM,
            source_to_isocenter_mm=SOURCE_TO_ISOCENTER_MM,
            size_px=(DETECTOR_PX, DETECTOR_PX),
            pixel_spacing_mm=(DETECTOR_MM / DETECTOR_PX,) * 2,
            isocenter_ras_mm=isocenter_ras_mm,
            frame="C-arm room",
        )
        for angle in VIEWS[case.views]
    ]


def true_pose(case: ProofCase, isocenter_ras_mm: Matrix, first_view: XRayGeometry) -> Matrix:
    """4x4 ct_to_world: rotation about R, then A, then S through the isocentre, then shifts in the first view's axes."""
    rng = case.rng(0)
    motion = np.eye(4)
    for axis, angle in enumerate(np.deg2rad(rng.uniform(-ROTATION_DEG, ROTATION_DEG, 3))):
        motion[:3, :3] = _turn(axis, angle) @ motion[:3, :3]
    column_mm, row_mm = rng.uniform(-SHIFT_MM, SHIFT_MM, 2)
    depth_mm = rng.uniform(-DEPTH_MM, DEPTH_MM)
    shift = (
        column_mm * first_view.column_direction
        + row_mm * first_view.row_direction
        + depth_mm * first_view.detector_normal
    )
    motion[:3, 3] = isocenter_ras_mm - motion[:3, :3] @ isocenter_ras_mm + shift
    return motion


def turned_in_plane(view: XRayGeometry, quarters: int) -> Matrix:
    """4x4 motion of the world about the central ray that turns the image as ``np.rot90(image, quarters)`` does."""
    column, row, normal = view.column_direction, view.row_direction, view.detector_normal
    quarter = np.outer(column, row) - np.outer(row, column) + np.outer(normal, normal)
    motion = np.eye(4)
    motion[:3, :3] = np.linalg.matrix_power(quarter, quarters % 4)
    motion[:3, 3] = view.source_ras_mm - motion[:3, :3] @ view.source_ras_mm
    return motion


def _turn(axis: int, angle: float) -> Matrix:
    matrix = np.eye(3)
    i, j = (axis + 1) % 3, (axis + 2) % 3
    matrix[[i, j], [i, j]] = np.cos(angle)
    matrix[i, j], matrix[j, i] = -np.sin(angle), np.sin(angle)
    return matrix
