"""States steered by independent numbers: one to one, smooth, each number for itself, and found again from the organ."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moving_bodies import breathing_torso
from XRayLib.motion import SteeredMotion
from XRayLib.motion.steered_motion import ORGAN_APART


@cache
def steered() -> SteeredMotion:
    return SteeredMotion(breathing_torso()[0])


def moved(values: np.ndarray) -> np.ndarray:
    """(vertices, 3) displacement of the liver."""
    points = steered().model.organ.points
    return steered().field(values).moved(points) - points


def one(name: str, value: float) -> np.ndarray:
    """That number alone."""
    values = np.zeros(steered().count)
    values[steered().names.index(name)] = value
    return values


def rigid_rest(displacement: np.ndarray) -> float:
    """Root mean square of what a rigid motion does not explain."""
    from scipy.spatial.transform import Rotation

    start = steered().model.organ.points
    now = start + displacement
    a, b = start - start.mean(axis=0), now - now.mean(axis=0)
    turn, _ = Rotation.align_vectors(b, a)
    return float(np.sqrt(np.mean(np.sum((b - turn.apply(a)) ** 2, axis=1))))


def test_zero_is_the_ct() -> None:
    assert not steered().field(np.zeros(steered().count)).vectors_mm.any()


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(0, 10**6))
def test_what_is_expected_does_not_fold(seed: int) -> None:
    """Within two deviations, and as far as organs go: about one of many thousand such states folds in a corner."""
    values = np.clip(np.random.default_rng(seed).normal(size=steered().count), -2, 2)
    farthest = steered().model.ranges.descent_mm[1] / steered().descent_deviation_mm
    values[0] = np.clip(values[0], -farthest, farthest)
    values[steered().names.index("organ_superior_mm")] /= ORGAN_APART  # steered farther than is expected
    assert steered().field(values).folding_fraction() == 0


@pytest.mark.parametrize(("name", "axis"), [("organ_right_mm", 0), ("organ_anterior_mm", 1), ("organ_superior_mm", 2)])
@pytest.mark.parametrize("descent", [-0.8, 0.0, 1.0])
def test_the_organ_goes_its_own_way_at_any_depth_of_breath(name: str, axis: int, descent: float) -> None:
    breath = one("descent_mm", descent)
    own = moved(breath + one(name, 1.5)) - moved(breath)
    expected = np.zeros(3)
    expected[axis] = 1.5 * steered().deviation(name)
    np.testing.assert_allclose(own.mean(axis=0), expected, atol=0.1 * expected[axis] + 0.15)
    assert np.linalg.norm(own - own.mean(axis=0), axis=1).mean() < 0.15 * expected[axis] + 0.2


def test_the_organ_turns_as_a_whole() -> None:
    turned = moved(one("organ_pitch_deg", 2.0))
    assert rigid_rest(turned) < 0.1 * np.linalg.norm(turned, axis=1).mean() + 0.1
    arm = steered().model.organ.points[:, 1] - steered().model.organ.points[:, 1].mean()
    angle = np.deg2rad(2 * steered().model.ranges.organ_pitch_deg.deviation)
    np.testing.assert_allclose(np.polyfit(arm, turned[:, 2], 1)[0], angle, rtol=0.1)


def test_the_organ_may_go_where_its_surroundings_do_not() -> None:
    trained = steered().model.ranges.organ_superior_mm.deviation
    assert steered().deviation("organ_superior_mm") > 10 > 2 * trained
    assert steered().deviation("organ_right_mm") == steered().model.ranges.organ_right_mm.deviation


def test_breathing_alone_is_the_first_of_the_numbers() -> None:
    alone = steered().of_breathing()
    assert steered().names[: alone.count] == alone.names
    values = np.clip(np.random.default_rng(3).normal(size=alone.count), -1, 1)
    padded = np.concatenate([values, np.zeros(steered().count - alone.count)])
    np.testing.assert_allclose(alone.field(values).vectors_mm, steered().field(padded).vectors_mm, atol=1e-4)
    assert alone.left_out_mm.vectors_mm.mean() > steered().left_out_mm.vectors_mm.mean()


def test_the_numbers_are_found_again_from_the_organ() -> None:
    values = np.clip(np.random.default_rng(4).normal(size=steered().count), -1.5, 1.5)
    displacement = moved(values)
    found = moved(steered().values_of(displacement))
    assert np.linalg.norm(displacement, axis=1).mean() > 5
    assert np.linalg.norm(found - displacement, axis=1).mean() < 0.5


def test_derivatives_are_those_of_the_field() -> None:
    """But for how sliding bends the smooth parts: small, and nothing where nothing slides."""
    values = np.clip(np.random.default_rng(7).normal(size=steered().count), -1, 1)
    now = moved(values) + steered().model.organ.points
    for name, field in zip(steered().names, steered().derivatives(values), strict=True):
        step = one(name, 0.1)
        ahead, behind = (steered().field(values + way).at(now) for way in (step, -step))
        difference = (ahead - behind) / 0.2
        predicted = field.at(now, extend=True)
        assert np.abs(predicted - difference).mean() < 0.25 * np.abs(difference).mean() + 0.05, name


def test_a_wider_breath_couples_less() -> None:
    """Front-back and tilt are hardly foreseeable from the descent in random states."""
    rng = np.random.default_rng(0)
    drawn = [breathing_torso()[0].random_parameters(rng) for _ in range(200)]
    descent = np.array([state.descent_mm for state in drawn])
    for name in ("organ_anterior_mm", "organ_pitch_deg", "posterior_mm"):
        assert abs(np.corrcoef(descent, [getattr(state, name) for state in drawn])[0, 1]) < 0.85
