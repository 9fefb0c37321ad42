"""The poses that explain landmark pairs best, and pairs that contradict the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from XRayLib.errors import InputError
from XRayLib.projector.rigid import motion_from_twist

from XRayRegistrationLib.rigid.landmark_picks import Picks
from XRayRegistrationLib.rigid.landmark_starts import closed_form_poses

Matrix = NDArray[np.float64]

PICKING_MM = 2.0
"""Standard deviation expected of a picked point, mm on the detector, and how many measurements that belief weighs."""
PICKING_WEIGHT = 3

FEWEST_TO_DOUBT = 5
"""With fewer landmarks nothing tells a wrong pair from the right ones."""
DOUBT_LEVEL = 0.01
"""Chance to take a right pair for a wrong one, over all pairs of a case."""
MOST_DOUBTED = 4
"""How many removals are tried out."""

SAME_POSE_MM = 1.0
AS_GOOD_MM2 = 1e-9
"""Difference of summed squares on the detector below which of two poses neither is better."""
MOST_STEPS = 100
SMALLEST_STEP_MM = 1e-7


@dataclass(frozen=True, eq=False)
class Solution:
    poses: tuple[Matrix, ...]
    """The pose chosen, then those that explain the pairs about as well."""
    squares: float
    """Sum of squared residuals on the detector, mm^2."""
    freedom: int

    @property
    def variance(self) -> float:
        """Of a picked coordinate, mm^2: what the residuals say together with what is expected of a picking hand."""
        return (self.squares + PICKING_WEIGHT * PICKING_MM**2) / (self.freedom + PICKING_WEIGHT)


def fit(picks: Picks, near: Matrix) -> tuple[NDArray[np.bool_], Solution]:
    """Which pairs are trusted, (M,) bool, and the poses that explain those."""
    trusted, solution = np.ones(len(picks), bool), _solved(picks, near)
    while picks.kept(trusted).points >= FEWEST_TO_DOUBT:
        doubted = _most_doubtful(picks, trusted, solution, near)
        if doubted is None:
            break
        trusted, solution = doubted
    return trusted, solution


def _solved(picks: Picks, near: Matrix) -> Solution:
    """The least-squares pose of these pairs, and its rivals."""
    found = [_refined(picks, start) for start in closed_form_poses(picks, near)]
    found = [(squares, pose) for squares, pose in found if (picks.depth_mm(pose) > 0).all()]
    if not found:
        raise InputError(
            "No pose puts the landmarks in front of the X-ray's source: check that each pair is the same place."
        )
    found.sort(key=lambda candidate: candidate[0])
    best, freedom = found[0][0], max(2 * len(picks) - 6, 0)
    tolerated = best + 4 * Solution((), best, freedom).variance
    rivals = _apart(picks, [candidate for candidate in found if candidate[0] <= tolerated], near)
    return Solution(tuple(pose for _, pose in rivals), rivals[0][0], freedom)


def _apart(picks: Picks, found: list[tuple[float, Matrix]], near: Matrix) -> list[tuple[float, Matrix]]:
    """Of poses that are nearly the same the best one, and of equally good ones that nearest to ``near``; nearest first.

    ``found``: squares and poses, best first.
    """
    by_distance = sorted(found, key=lambda candidate: _distance_mm(picks, candidate[1], near))
    rivals: list[tuple[float, Matrix]] = []
    for best, pose in found:
        if any(_distance_mm(picks, pose, other) <= SAME_POSE_MM for _, other in rivals):
            continue
        rivals.append(
            next(
                (squares, other)
                for squares, other in by_distance
                if squares <= best + AS_GOOD_MM2 and _distance_mm(picks, pose, other) <= SAME_POSE_MM
            )
        )
    return sorted(rivals, key=lambda candidate: _distance_mm(picks, candidate[1], near))


def _refined(picks: Picks, start: Matrix) -> tuple[float, Matrix]:
    """Levenberg-Marquardt from a start: the sum of squared residuals on the detector and the pose there."""
    pose, residual = start, picks.residual_detector_mm(start).ravel()
    damping = 1e-3
    for _ in range(MOST_STEPS):
        pivot = picks.world(pose).mean(axis=0)
        jacobian = picks.jacobian(pose, pivot)
        normal = jacobian.T @ jacobian
        damped = normal + damping * np.diag(np.diag(normal) + 1e-12)
        shift, turn = np.split(-np.linalg.solve(damped, jacobian.T @ residual), 2)
        moved = motion_from_twist(np.concatenate([turn, shift]), pivot) @ pose
        new = picks.residual_detector_mm(moved).ravel()
        if new @ new < residual @ residual:
            pose, residual, damping = moved, new, damping / 10
            if np.linalg.norm(shift) + 100 * np.linalg.norm(turn) < SMALLEST_STEP_MM:
                break
        else:
            damping *= 10
            if damping > 1e8:
                break
    return float(residual @ residual), pose


def _most_doubtful(
    picks: Picks, trusted: NDArray[np.bool_], solution: Solution, near: Matrix
) -> tuple[NDArray[np.bool_], Solution] | None:
    """The pairs without the one whose removal improves the fit most, when the improvement is significant."""
    from scipy.stats import f as f_distribution

    suspects = [
        row
        for row in _suspects(picks, trusted, solution.poses[0])
        if (trusted & ~row).sum() >= 4 and picks.kept(trusted & ~row).points >= 4
    ]
    best, best_chance = None, DOUBT_LEVEL / max(len(suspects), 1)
    for row in suspects[:MOST_DOUBTED]:
        rest = trusted & ~row
        try:
            without = _solved(picks.kept(rest), near)
        except InputError:
            continue
        gone = 2 * int((trusted & row).sum())
        gain = max(solution.squares - without.squares, 0.0) / gone / without.variance
        chance = float(f_distribution.sf(gain, gone, without.freedom + PICKING_WEIGHT))
        if chance < best_chance:
            best, best_chance = (rest, without), chance
    return best


def _suspects(picks: Picks, trusted: NDArray[np.bool_], pose: Matrix) -> list[NDArray[np.bool_]]:
    """Single pairs and, seen on several films, whole landmarks: those whose removal would improve the fit most.

    The improvement is that of linear least squares, r_i^T (1 - H_ii)^-1 r_i with the hat matrix H (Cook and Weisberg,
    "Residuals and Influence in Regression", 1982).
    """
    rows = [np.arange(len(picks)) == n for n in np.flatnonzero(trusted)]
    for point in np.unique(picks.point[trusted]):
        row = trusted & (picks.point == point)
        if row.sum() > 1:
            rows.append(row)
    kept = picks.kept(trusted)
    residual = kept.residual_detector_mm(pose).ravel()
    basis = np.linalg.qr(kept.jacobian(pose, kept.world(pose).mean(axis=0)))[0]

    def improvement(row: NDArray[np.bool_]) -> float:
        chosen = np.repeat(row[trusted], 2)
        part = residual[chosen]
        return float(part @ np.linalg.lstsq(np.eye(len(part)) - basis[chosen] @ basis[chosen].T, part, rcond=1e-9)[0])

    return sorted(rows, key=improvement, reverse=True)


def _distance_mm(picks: Picks, first: Matrix, second: Matrix) -> float:
    return float(np.linalg.norm(picks.world(first) - picks.world(second), axis=1).mean())
