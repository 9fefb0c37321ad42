"""The films of the proof, marched and exposed as ``XRayLib.simulate`` does, and the CT they are registered with."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from instruments import metal_integrals
from numpy.typing import NDArray
from proof_cases import Matrix, ProofCase, nominal_views, true_pose, turned_in_plane
from ray_marching import march, tissue_volumes
from XRayLib.ct import Volume, load_ct, remove_table
from XRayLib.geometry import XRayGeometry
from XRayLib.metrics.pose import target_grid
from XRayLib.radiograph import Radiograph, radiograph_from_array
from XRayLib.simulate import film_of, realism_for
from XRayLib.simulate.radiograph_simulation import cropped_to_body

TRUNCATION_MM = (60.0, 80.0)
"""How much of one end of the CT the registration lacks in truncated cases."""


@dataclass(frozen=True, eq=False)
class Patient:
    """A CT as a scanner gave it, and what an X-ray room sees of it: the body without the scanner's table."""

    ct: Volume
    tissues: NDArray[np.float32]
    tissues_ijk_to_ras: Matrix
    targets_ct_ras_mm: Matrix
    middle_ras_mm: Matrix
    """Of the box around the body."""


@dataclass(frozen=True, eq=False)
class Exposure:
    """What a method is given, and what only the judge knows."""

    ct: Volume
    radiographs: tuple[Radiograph, ...]
    true_ct_to_world: Matrix | None
    """None where the films show no pose of this CT."""
    targets_ct_ras_mm: Matrix


def ct_folder() -> Path:
    """Where the patients are: XRAY3D_DATA, else beside the repository."""
    return Path(os.environ.get("XRAY3D_DATA", Path(__file__).resolve().parents[4] / "shared" / "data")) / "ct"


@lru_cache(maxsize=3)
def patient(name: str) -> Patient:
    """A CT of the data folder by name, prepared once per process."""
    return patient_of(load_ct(ct_folder() / f"{name}.nii.gz"))


def patient_of(ct: Volume) -> Patient:
    """Prepare a CT in HU."""
    body = cropped_to_body(remove_table(ct))
    targets = target_grid(body)
    middle = (targets.min(axis=0) + targets.max(axis=0)) / 2
    return Patient(ct, tissue_volumes(body), body.ijk_to_ras, targets, middle)


def expose_case(case: ProofCase, registered: Patient, shown: Patient) -> Exposure:
    """The films of a case, as they are after loading, and the CT to register."""
    views = nominal_views(case, registered.middle_ras_mm)
    pose = true_pose(case, registered.middle_ras_mm, views[0])
    to_middle = np.eye(4)
    to_middle[:3, 3] = registered.middle_ras_mm - shown.middle_ras_mm
    films = [_film(case, number, view, shown, pose @ to_middle) for number, view in enumerate(views)]
    ct, targets = registered.ct, registered.targets_ct_ras_mm
    if case.kind == "truncated":
        ct, targets = _without_one_end(case, ct, targets)
    if case.kind == "rotated":
        pose = turned_in_plane(views[0], _quarters(case)) @ pose
    return Exposure(ct, tuple(films), None if case.is_negative else pose, targets)


def _film(case: ProofCase, number: int, view: XRayGeometry, shown: Patient, ct_to_world: Matrix) -> Radiograph:
    rng = case.rng(10 + number)
    soft, bone = march(shown.tissues, shown.tissues_ijk_to_ras, view.moved(ct_to_world))
    if case.kind == "empty":
        soft, bone = np.zeros_like(soft), np.zeros_like(bone)
    if case.kind == "occluded":
        bone = bone + metal_integrals(view, rng)
    film = _exposed(case, soft, bone, view, rng)
    if case.kind == "mirrored":
        film = film[:, ::-1]
    if case.kind == "rotated":
        film = np.rot90(film, _quarters(case))
    kind = "line_integral" if case.realism == "none" else "display_bone_bright"
    return radiograph_from_array(np.ascontiguousarray(film), view, intensity=kind, source=f"proof, {case.realism}")


def _exposed(case: ProofCase, soft: NDArray, bone: NDArray, view: XRayGeometry, rng: np.random.Generator) -> NDArray:
    """Exact line integrals (realism none), or the picture that the console shows; its true mask is thrown away."""
    if case.realism == "none":
        noise = rng.normal(0, 0.02, soft.shape) if case.kind == "empty" else 0.0
        return np.maximum(soft + bone + noise, 0).astype(np.float32)
    realism = realism_for(case.realism, int(case.rng(1).integers(2**31)))
    return film_of(soft, bone, view, realism, rng).line_integral


def _quarters(case: ProofCase) -> int:
    return 1 + case.index % 3


def _without_one_end(case: ProofCase, ct: Volume, targets: Matrix) -> tuple[Volume, Matrix]:
    """The CT less 60 to 80 mm of its upper or lower end, and the targets that are left."""
    rng = case.rng(2)
    axis = int(np.argmax(np.abs(ct.ijk_to_ras[2, :3])))
    planes = round(rng.uniform(*TRUNCATION_MM) / ct.spacing_mm[axis])
    size = ct.voxels.shape[2 - axis]
    first, last = (planes, size) if rng.random() < 0.5 else (0, size - planes)
    matrix = ct.ijk_to_ras.copy()
    matrix[:3, 3] += matrix[:3, axis] * first
    pieces = [slice(None)] * 3
    pieces[2 - axis] = slice(first, last)
    at = (np.linalg.inv(ct.ijk_to_ras) @ np.c_[targets, np.ones(len(targets))].T)[axis]
    return Volume(ct.voxels[tuple(pieces)], matrix, ct.quantity), targets[(at >= first) & (at <= last - 1)]
