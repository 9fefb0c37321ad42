"""The bones of a wrist registered to real biplane films, and the CT's unknown voxel size solved for.

    .venv/bin/python Testing/benchmarks/registration/wrist.py --out build/wrist

Each bone is found from two points per film and any turn about its axis, with the matcher of the method ``intensity``.
The voxel size is what makes the films of both cameras fit best, found apart for every bone and frame: their spread
tells its error. Then each bone is registered from a start that is off along one camera's rays, with that camera only
and with both, and judged in both. Writes pictures and numbers.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from wrist_data import BONES, FRAMES, LANDMARKS, Bone, Matrix, bone_of, films_about, triangulated
from wrist_pictures import save_overlays
from XRayLib.ct import Volume
from XRayLib.metrics.ray_errors import along_and_across
from XRayLib.projector import Projector
from XRayLib.projector.rigid import motion_from_twist
from XRayLib.radiograph import Radiograph
from XRayRegistrationLib.rigid.cut_faces import CutFaces
from XRayRegistrationLib.rigid.film_pyramid import films_at
from XRayRegistrationLib.rigid.least_squares import Matcher, MatchState

FIRST_VOXEL_MM = (0.4, 0.6)
"""In plane, between slices: a guess from the width of the shafts; the search leaves it."""
MARGIN_MM = 5.0
"""How far around the bone's shadow the film counts."""
TURN_STEP_DEG = 15
OFF_MM, OFF_DEG = 2.0, 1.0

COARSE, MIDDLE, FINE = (1.2, 11, 25, 0.1), (0.6, 15, 12, 0.03), (0.34, 25, 10, 0.005)
"""Pixel size at the bone (mm), neighbourhood (px), iterations, smallest step (mm)."""

Level = tuple[float, int, int, float]


def matcher_of(bone: Bone, films: Sequence[Radiograph], level: Level) -> Matcher:
    """The core's matcher of a bone; rays through the cut end of the shaft do not count."""
    pixel_mm, window_px, _, _ = level
    hu = Volume(np.where(bone.solid, np.float32(0), np.float32(-1000)), bone.mu.ijk_to_ras)
    return Matcher(
        spacing_mm=pixel_mm,
        projector=Projector(bone.mu, device="cpu"),
        films=films_at(films, pixel_mm, window_px),
        cut_faces=CutFaces(hu),
        pivot_ras_mm=bone.mu.center_ras_mm,
        window_px=window_px,
    )


def near_shadow(bone: Bone, films: Sequence[Radiograph], pose: Matrix) -> list[Radiograph]:
    """The films masked to the bone's shadow at a pose and a margin: the rest shows other bones."""
    import cv2

    shadow = Projector(Volume(bone.solid.astype(np.float32), bone.mu.ijk_to_ras, "mu_per_mm"), device="cpu")
    masked = []
    for film in films:
        view = film.geometry
        behind = (shadow.project([view.moved(pose)])[0] > 0.5).astype(np.uint8)
        at_bone_mm = view.pixel_spacing_mm[0] * view.source_to_isocenter_mm / view.source_to_detector_mm
        reach = round(MARGIN_MM / at_bone_mm)
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
        masked.append(replace(film, mask=film.mask & (cv2.dilate(behind, disc) > 0)))
    return masked


def matched(bone: Bone, films: Sequence[Radiograph], pose: Matrix, levels: Sequence[Level]) -> MatchState:
    """The pose refined over these levels, the mask following it."""
    for level in levels:
        state = matcher_of(bone, near_shadow(bone, films, pose), level).minimise([pose], level[2], level[3])[0]
        pose = state.ct_to_world
    return state


def start_poses(bone: Bone, frame: str, name: str, step_deg: int = TURN_STEP_DEG) -> list[Matrix]:
    """The bone's axis on the line through its two landmarks, turned about it in steps."""
    joint, shaft = (triangulated(np.array(pixels, float)) for pixels in LANDMARKS[frame, name])
    joint_ct, shaft_ct = bone.ends_ras_mm
    from_axes, to_axes = _axes(shaft_ct - joint_ct), _axes(shaft - joint)
    poses = []
    for turn in np.deg2rad(np.arange(0, 360, step_deg)):
        about = np.array([[1, 0, 0], [0, np.cos(turn), -np.sin(turn)], [0, np.sin(turn), np.cos(turn)]])
        pose = np.eye(4)
        pose[:3, :3] = to_axes @ about @ from_axes.T
        pose[:3, 3] = joint - pose[:3, :3] @ joint_ct
        poses.append(pose)
    return poses


def found(bone: Bone, frame: str, name: str, step_deg: int = TURN_STEP_DEG) -> MatchState:
    """The bone on both films of a frame, from its landmarks; the turn that fits best."""
    films = films_about(frame, name)
    states = [matched(bone, films, pose, [COARSE]) for pose in start_poses(bone, frame, name, step_deg)]
    best = sorted(states, key=lambda state: state.cost)[:3]
    finer = [matched(bone, films, state.ct_to_world, [MIDDLE]) for state in best]
    return min(finer, key=lambda state: state.cost)


def solved_voxel_mm(
    name: str, films: Sequence[Radiograph], pose: Matrix, voxel_mm: tuple[float, float], level: Level = MIDDLE
) -> tuple[tuple[float, float], Matrix]:
    """The voxel size (in plane, between slices) at which the bone fits the films best, and the pose with it.

    The pose is refined anew for every size tried; the mask stays, so that costs compare.
    """
    from scipy.optimize import minimize

    bone = bone_of(name, voxel_mm)
    pose = matched(bone, films, pose, [level]).ct_to_world
    masked = near_shadow(bone, films, pose)
    best: dict[str, Any] = {"cost": np.inf, "pose": pose}

    def cost(logarithm: NDArray[np.float64]) -> float:
        tried = bone_of(name, tuple(np.exp(logarithm)))
        state = matcher_of(tried, masked, level).minimise([best["pose"]], level[2], level[3])[0]
        if state.cost < best["cost"]:
            best.update(cost=state.cost, pose=state.ct_to_world)
        return state.cost

    start = np.log(voxel_mm)
    simplex = start + np.array([[0, 0], [0.04, 0], [0, 0.05]])
    options = {"initial_simplex": simplex, "xatol": 1e-3, "fatol": 1e-6, "maxfev": 50}
    solution = minimize(cost, start, method="Nelder-Mead", options=options)
    return tuple(float(size) for size in np.exp(solution.x)), best["pose"]


def disagreement_mm(bone: Bone, one: Matrix, other: Matrix, film: Radiograph) -> float:
    """Mean distance of the bone's points across the film's rays between two poses, mm at the bone."""
    k, j, i = (index[::97] for index in np.nonzero(bone.solid))
    points = (bone.mu.ijk_to_ras @ np.stack([i, j, k, np.ones_like(i)]))[:3].T
    first, second = (points @ pose[:3, :3].T + pose[:3, 3] for pose in (one, other))
    return float(along_and_across(second - first, first, film.geometry)[1].mean())


def displaced(bone: Bone, pose: Matrix, film: Radiograph) -> Matrix:
    """A start that one camera hardly tells from the pose: off along its rays, and turned."""
    twist = [*np.deg2rad(OFF_DEG) * film.geometry.column_direction, *OFF_MM * film.geometry.detector_normal]
    return motion_from_twist(twist, (pose @ [*bone.mu.center_ras_mm, 1.0])[:3]) @ pose


def cross_checked(bone: Bone, films: Sequence[Radiograph], pose: Matrix) -> dict[str, Any]:
    """Each camera's similarity at the pose, and where a start off along one camera's rays goes with one and both."""
    masked = near_shadow(bone, films, pose)
    each = [matcher_of(bone, [film], FINE).match([pose])[0].similarity for film in masked]
    row: dict[str, Any] = {"similarity": [round(value, 3) for value in each]}
    for camera in range(2):
        start = displaced(bone, pose, films[camera])
        for with_films, chosen in (("alone", [films[camera]]), ("and the other", films)):
            reached = matched(bone, chosen, start, [COARSE, MIDDLE, FINE]).ct_to_world
            off_mm = [disagreement_mm(bone, pose, reached, films[n]) for n in (camera, 1 - camera)]
            row[f"camera {camera + 1} {with_films}: mm off on own and other film"] = np.round(off_mm, 2).tolist()
    return row


def wrist(out: Path, frames: Sequence[str] = FRAMES, bones: Sequence[str] = tuple(BONES)) -> dict[str, Any]:
    """Voxel size, poses and checks of every bone and frame; overlays as pictures in ``out``."""
    poses, sizes = {}, {}
    for frame, name in itertools.product(frames, bones):
        start = found(bone_of(name, FIRST_VOXEL_MM), frame, name).ct_to_world
        films = films_about(frame, name)
        sizes[frame, name], poses[frame, name] = solved_voxel_mm(name, films, start, FIRST_VOXEL_MM)
    voxel_mm = tuple(np.median(list(sizes.values()), axis=0))
    rows = []
    for frame, name in itertools.product(frames, bones):
        bone, films = bone_of(name, voxel_mm), films_about(frame, name)
        state = matched(bone, films, poses[frame, name], [MIDDLE, FINE])
        poses[frame, name] = state.ct_to_world
        row = {"frame": frame, "bone": name, "own_voxel_mm": [round(size, 4) for size in sizes[frame, name]]}
        rows.append(row | cross_checked(bone, films, state.ct_to_world) | {"ct_to_world": state.ct_to_world.tolist()})
    for frame in frames:
        save_overlays(out, frame, {name: (bone_of(name, voxel_mm), poses[frame, name]) for name in bones})
    spread = np.std(list(sizes.values()), axis=0, ddof=1) if len(sizes) > 1 else np.full(2, np.nan)
    mirrored = {name: found(bone_of(name, voxel_mm, mirrored=True), frames[0], name).similarity for name in bones}
    return {
        "voxel_mm": [float(size) for size in voxel_mm],
        "voxel_sd_mm": spread.tolist(),
        "similarity_if_mirrored": mirrored,
        "similarity_as_stored": {name: found(bone_of(name, voxel_mm), frames[0], name).similarity for name in bones},
        "rows": rows,
    }


def _axes(along: Matrix) -> Matrix:
    """(3, 3) right-handed columns, the first along the vector."""
    first = along / np.linalg.norm(along)
    second = np.cross(first, np.eye(3)[np.abs(first).argmin()])
    second /= np.linalg.norm(second)
    return np.stack([first, second, np.cross(first, second)], axis=1)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("build/wrist"))
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    numbers = wrist(out)
    (out / "wrist.json").write_text(json.dumps(numbers, indent=1), encoding="utf-8")
    print(json.dumps(numbers, indent=1))  # noqa: T201


if __name__ == "__main__":
    main()
