"""Registrations of one CT: of single films, or of a run's frames one after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from XRayLib.case import Case, Options, Result
from XRayLib.cli.in_worker import run_in_worker
from XRayLib.cli.registration_case import (
    deviation_mm,
    is_accepted,
    load_registration_case,
    remove_earlier,
    save_registration,
)
from XRayLib.errors import InputError, RefusedError
from XRayLib.registry import REGISTERS, Progress, method

POSE_SUFFIX = ".pose.json"


@dataclass(frozen=True)
class RegistrationRun:
    """What every frame of a run shares."""

    views: list[str]
    method_id: str
    options: Options
    given: dict[str, Any]
    output: Path
    transform: Path | None
    report: Path | None
    deformation: Path | None = None

    @property
    def images(self) -> list[Path]:
        from XRayLib.radiograph import parse_view_argument

        return [parse_view_argument(view)[0] for view in self.views]

    def single(self, ct: Path, progress: Progress) -> dict[str, Any]:
        """Register the only frame."""
        from XRayLib.ct import load_ct

        case = load_registration_case(load_ct(ct), self.views, **self.given)
        try:
            result = run_in_worker(case, self.method_id, self.options, progress, *REGISTERS)
        except RefusedError:
            remove_earlier(self.output, self.transform, self.deformation)
            raise
        return self._saved(result, case, lambda path: path)

    def frames(self, ct: Path, numbers: list[int], progress: Progress) -> list[dict[str, Any]]:
        """Register frames in turn in one worker: the first as asked, each further one from the last accepted pose."""
        from XRayLib.ct import load_ct
        from XRayLib.jobs.client import WorkerClient

        volume, summaries, pose = load_ct(ct), [], None
        options = self.options
        with WorkerClient() as client:
            for done, number in enumerate(numbers):
                case = load_registration_case(volume, self.views, **self.given, frame_index=number - 1)
                if pose is not None:
                    case = replace(case, initial_ct_to_world=pose, landmarks=None)
                    options = replace(options, extra={**options.extra, "initialisation": "given"})
                method(self.method_id).check(case)

                def on_progress(fraction: float, stage: str, done: int = done, number: int = number) -> None:
                    progress((done + fraction) / len(numbers), f"Frame {number}: {stage}")

                try:
                    result = client.run_blocking(self.method_id, case, options, on_progress)
                except RefusedError as error:  # the other frames may be better
                    outputs = (self.output, self.transform, self.deformation)
                    remove_earlier(*(path and _of_frame(path, number) for path in outputs))
                    summaries.append({"frame": number, "accepted": False, "reason": str(error), "warnings": ()})
                    continue
                summary = self._saved(result, case, lambda path, number=number: _of_frame(path, number))
                summaries.append({"frame": number, **summary})
                pose = result.ct_to_world if summary["accepted"] else pose
        return summaries

    def _saved(self, result: Result, case: Case, named: Callable[[Path], Path]) -> dict[str, Any]:
        others = [path and named(path) for path in (self.transform, self.report, self.deformation)]
        return summary_of(result, save_registration(result, case, self.images, named(self.output), *others))


def chosen_frames(text: str, images: list[Path]) -> list[int]:
    """Frame numbers, from 1, of ``all`` or of a list such as ``1-5,8``; without a text the first."""
    from XRayLib.radiograph.frame_count import frame_count

    if not text:
        return [1]
    counts = [frame_count(image) for image in images]
    if len(set(counts)) > 1:
        told = ", ".join(f"{image.name} {count}" for image, count in zip(images, counts, strict=True))
        raise InputError(
            f"The X-rays of a run must have as many frames each ({told}): leave out --frames for the first."
        )
    available = counts[0]
    if text == "all":
        return list(range(1, available + 1))
    numbers: list[int] = []
    try:
        for part in text.split(","):
            first, _, last = part.partition("-")
            numbers += range(int(first), int(last or first) + 1)
    except ValueError:
        raise InputError(f"--frames takes all or numbers as 1-5,8, not '{text}'.") from None
    if not numbers or min(numbers) < 1 or max(numbers) > available:
        raise InputError(f"--frames {text}: the X-rays have frames 1 to {available}.")
    return numbers


def _of_frame(path: Path, number: int) -> Path:
    """``run.pose.json`` becomes ``run.frame0007.pose.json``."""
    suffix = next((known for known in (POSE_SUFFIX, ".nii.gz") if path.name.endswith(known)), path.suffix)
    return path.with_name(f"{path.name.removesuffix(suffix)}.frame{number:04d}{suffix}")


def summary_of(result: Result, written: list[Path]) -> dict[str, Any]:
    """What the command tells of a registration."""
    quality = result.pose_quality
    return {
        "output": written[0],
        "files": written,
        "method": result.method,
        "accepted": is_accepted(result),
        "reason": "" if quality is None else quality.reason,
        "confidence": None if quality is None else quality.confidence,
        "deviation_mm": deviation_mm(result),
        "ct_to_world": result.ct_to_world,
        "similarity": {} if quality is None else quality.similarity,
        "quality": result.quality,
        "seconds": {} if quality is None else quality.seconds,
        "warnings": result.warnings,
    }
