"""Progress, remaining time, and the place where cancel takes effect."""

from __future__ import annotations

import math
import threading

import pytest
from XRayLib.errors import CancelledError
from XRayLib.jobs.progress import JobProgress, RemainingTime


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Recorder:
    def __init__(self) -> None:
        self.clock = Clock()
        self.cancelled = threading.Event()
        self.sent: list[tuple[float, str, float | None]] = []
        self.progress = JobProgress(self.cancelled, lambda *event: self.sent.append(event), self.clock)

    def after(self, seconds: float, fraction: float, stage: str = "s") -> None:
        self.clock.now_s += seconds
        self.progress(fraction, stage)


def test_even_work_has_an_exact_remaining_time() -> None:
    remaining = RemainingTime(0.0)
    for second in range(1, 10):
        left = remaining.update(float(second), second / 20)
        assert left is None if second < 1 else left == pytest.approx(20 - second)


def test_the_estimate_follows_a_change_of_speed() -> None:
    remaining = RemainingTime(0.0)
    for second in range(1, 6):
        remaining.update(float(second), 0.01 * second)
    for second in range(6, 30):
        left = remaining.update(float(second), 0.05 + 0.03 * (second - 5))
    assert left == pytest.approx((1 - 0.77) / 0.03, rel=0.1)


def test_a_stalled_job_counts_down_to_zero_and_not_below() -> None:
    remaining = RemainingTime(0.0)
    remaining.update(2.0, 0.5)
    assert remaining.update(3.0, 0.5) == pytest.approx(1.0)
    assert remaining.update(9.0, 0.5) == 0.0


def test_nothing_is_estimated_before_there_is_evidence() -> None:
    remaining = RemainingTime(0.0)
    assert remaining.update(0.5, 0.4) is None
    assert remaining.update(0.0, 0.0) is None
    assert RemainingTime(0.0).update(5.0, 0.01) is None


def test_fractions_are_limited_and_never_fall() -> None:
    recorder = Recorder()
    for fraction in (0.3, 0.1, math.nan, 7.0, -1.0):
        recorder.after(1.0, fraction)
    assert [event[0] for event in recorder.sent] == [0.3, 0.3, 0.3, 1.0, 1.0]


def test_a_flood_is_thinned_but_every_stage_is_told() -> None:
    recorder = Recorder()
    for step in range(1000):
        recorder.after(0.001, step / 1000, "first" if step < 500 else "second")
    assert len(recorder.sent) <= 13
    assert [event[1] for event in recorder.sent].count("second") >= 1


def test_cancel_raises_even_where_sending_is_thinned() -> None:
    recorder = Recorder()
    recorder.after(0.0, 0.1)
    recorder.cancelled.set()
    with pytest.raises(CancelledError):
        recorder.after(0.001, 0.1)
