"""Small radiographs and a CT for module tests, known in closed form."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from XRayLib.case import Case, Result, View
from XRayLib.ct import Volume
from XRayLib.geometry import XRayGeometry, assumed_film_geometry
from XRayLib.jobs.failure import JobFailure
from XRayLib.jobs.job import Job, JobState
from XRayLib.jobs.requests import HANDLERS
from XRayLib.jobs.server import Request
from XRayLib.radiograph import Radiograph


def a_geometry(primary_angle_deg: float) -> XRayGeometry:
    return XRayGeometry.from_c_arm(
        primary_angle_deg=primary_angle_deg,
        secondary_angle_deg=0.0,
        source_to_detector_mm=1020.0,
        source_to_isocenter_mm=700.0,
        size_px=(64, 64),
        pixel_spacing_mm=(6.0, 6.0),
    )


def a_film(primary_angle_deg: float = 0.0, view: str = "PA") -> Radiograph:
    image = np.zeros((64, 64), np.float32)
    image[10:54, 14:50] = 2.0
    return Radiograph(image, a_geometry(primary_angle_deg), view=view, source="test")


def an_assumed_film(view: str = "PA") -> Radiograph:
    return Radiograph(np.eye(64, dtype=np.float32), assumed_film_geometry(view, (64, 64)), view=view)


def a_ct() -> Volume:
    voxels = np.full((40, 40, 40), -1000, np.float32)
    voxels[10:30, 10:30, 10:30] = 0
    voxels[18:22, 18:22, 26:30] = 1200
    return Volume.axis_aligned(voxels, (5.0, 5.0, 5.0), (20.0, -10.0, 100.0))


def a_result(case: Case) -> Result:
    views = tuple(View(film, film.line_integral * 0.5, (2.0, 0.0), 0.25) for film in case.radiographs)
    provenance = {"method": "x2ct-cnn", "seconds": 1.5}
    return Result("x2ct-cnn", a_ct(), views=views, warnings=("Depth is a guess.",), provenance=provenance)


class FakeClient:
    """A worker client that answers when the test says so, and records what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.cancelled = self.invalidated = self.closed = 0
        self.busy = False
        self._callbacks: dict[str, Callable[..., None]] = {}

    def request(self, kind: str, params: Any = None, **callbacks: Callable[..., None]) -> None:
        self.asked.append((kind, params))
        if kind == "list_models":
            callbacks["on_result"]([])

    def load_radiograph(self, path: str, frame_index: int = 0, **callbacks: Callable[..., None]) -> None:
        self.asked.append(("load_radiograph", path))
        self.frame_index = frame_index
        self._callbacks, self.busy = callbacks, True

    def run_method(self, method_id: str, case: Case, options: Any, **callbacks: Callable[..., None]) -> None:
        self.asked.append((method_id, case))
        self.options = options
        self._callbacks, self.busy = callbacks, True

    def organ_template(self, organ: Any, **callbacks: Callable[..., None]) -> None:
        self.asked.append(("organ_template", organ))
        self.template_callbacks = callbacks

    def preparation_state(self, _ct: Any, **callbacks: Any) -> None:
        callbacks["on_result"]({})

    def submit(self, job: Job) -> Job:
        """Kept until the test does its work (:meth:`work`) or makes it fail (:meth:`fail`)."""
        self.asked.append((job.kind, job.params))
        self.submitted, self.busy = job, True
        self._callbacks = {"on_result": job.on_result, "on_error": job.on_error, "on_progress": job.on_progress}
        return job

    def work(self, folder: Path) -> None:
        """Do the submitted job as the worker does, through the files of a folder."""
        job = self.submitted
        folder.mkdir()
        job.write(folder)
        request = Request(job.kind, "1", json.loads(json.dumps(job.params)), lambda _fraction, _stage: None, folder)
        value = json.loads(json.dumps(HANDLERS[job.kind](request), allow_nan=False))
        self.busy = False
        job.end(JobState.DONE, job.read(folder, value))

    def progress(self, fraction: float, stage: str) -> None:
        self._callbacks["on_progress"](fraction, stage, 12.0)

    def answer(self, value: Any) -> None:
        self.busy = False
        self._callbacks["on_result"](value)

    def fail(self, **values: Any) -> None:
        self.busy = False
        self._callbacks["on_error"](JobFailure(**values))

    def cancel(self, _job: Any = None) -> None:
        self.cancelled += 1

    def invalidate(self) -> None:
        self.busy = False
        self.invalidated += 1

    def close(self) -> None:
        self.closed += 1

    def diagnostics(self) -> str:
        return "versions and devices"
