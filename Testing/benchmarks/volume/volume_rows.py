"""One row per method and case."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

from volume_cases import VolumeCase
from XRayLib.case import Case, Options
from XRayLib.ct import Volume
from XRayLib.errors import XRay3DError
from XRayLib.metrics import evaluate_volume
from XRayLib.registry import method

METHODS = ("x2vision", "x2ct-gan", "x2ct-cnn", "nerp")
TEMPLATE, EARLIER, AIR = "template", "earlier-ct", "air"
METRICS = ("psnr_3d", "ssim_3d", "legacy_psnr", "legacy_ssim", "mae_body_hu", "dice_lung")


def rows_of_case(case: VolumeCase, chosen: Iterable[str], extra: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Rows of the baselines, then of every method; one that fails has "error" instead of metrics."""
    about = {"case": case.name, "views": len(case.films)}
    measured = evaluate_volume(case.reference, case.earlier, template=case.template)
    yield {**about, "method": EARLIER, **_chosen(measured["result"])}
    for name in (TEMPLATE, AIR):
        if name in measured["baselines"]:
            yield {**about, "method": name, **_chosen(measured["baselines"][name])}
    for identifier in chosen:
        started = time.perf_counter()
        try:
            volume = _reconstructed(identifier, case, extra)
        except XRay3DError as error:
            yield {**about, "method": identifier, "error": str(error)}
            continue
        seconds = time.perf_counter() - started
        found = evaluate_volume(case.reference, volume, radiographs=case.films)
        residual = sum(found["reprojection_residual"]) / len(case.films)
        yield {**about, "method": identifier, **_chosen(found["result"]), "residual": residual, "seconds": seconds}


def _reconstructed(identifier: str, case: VolumeCase, extra: dict[str, Any]) -> Volume:
    chosen = method(identifier)
    given = Case(case.films, ct=case.earlier if chosen.needs.ct else None)
    chosen.check(given)
    result = chosen.run(given, Options(device="cpu", extra=extra.get(identifier, {})), lambda _fraction, _stage: None)
    assert result.volume is not None
    return result.volume


def _chosen(metrics: dict[str, Any]) -> dict[str, float]:
    return {name: metrics[name] for name in METRICS}
