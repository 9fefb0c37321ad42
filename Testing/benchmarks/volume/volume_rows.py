"""One row per method and case."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

from volume_cases import VolumeCase
from XRayLib.case import Case, Options, Result
from XRayLib.data_consistency import Agreement, made_consistent
from XRayLib.errors import InputError, XRay3DError
from XRayLib.metrics import evaluate_volume
from XRayLib.registry import method

CONSISTENT = " + consistency"
"""After a method's name: its volume is then changed until it projects to the films."""

MEAN, EARLIER, AIR = "mean template", "earlier CT", "air"
METHODS = (
    MEAN + CONSISTENT,
    "atlas",
    "lifting",
    "lifting" + CONSISTENT,
    "x2ct-cnn",
    "x2ct-cnn" + CONSISTENT,
    "x2ct-gan",
    "x2ct-gan" + CONSISTENT,
    "henzler",
    "x2vision",
    "nerp",
    "sart",
    "cgls",
    "filtered-backprojection",
)
METRICS = ("psnr_3d", "ssim_3d", "legacy_psnr", "legacy_ssim", "mae_body_hu", "dice_lung")
ANY = "any"
"""Films and realism of a baseline that looks at none."""


def baseline_rows(case: VolumeCase) -> Iterator[dict[str, Any]]:
    """What is there without looking at the films."""
    measured = evaluate_volume(case.reference, case.earlier, template=case.template)
    about = {"films": ANY, "realism": ANY, "views": 0}
    yield {**about, "method": EARLIER, **_chosen(measured["result"])}
    for name, key in ((MEAN, "template"), (AIR, "air")):
        if key in measured["baselines"]:
            yield {**about, "method": name, **_chosen(measured["baselines"][key])}


def rows_of_case(case: VolumeCase, chosen: Iterable[str]) -> Iterator[dict[str, Any]]:
    """A row of every method, by id, or id with CONSISTENT; one that fails has "error" instead of metrics."""
    for name in chosen:
        started = time.perf_counter()
        try:
            made = reconstructed(name, case)
        except XRay3DError as error:
            yield {"method": name, "error": str(error)}
            continue
        seconds = time.perf_counter() - started
        assert made.volume is not None
        found = evaluate_volume(case.reference, made.volume)
        residual = sum(view.residual for view in made.views) / len(case.films)
        yield {"method": name, **_chosen(found["result"]), "residual": residual, "seconds": seconds}


def reconstructed(name: str, case: VolumeCase) -> Result | Agreement:
    """What a method, by id or id with CONSISTENT, makes of a case's films."""
    identifier, suffix, _ = name.partition(CONSISTENT)
    if identifier == MEAN:
        if case.template is None:
            raise InputError("There is no mean of training CTs here: give the folder that holds them.")
        return made_consistent(case.template, case.films, device="cpu")
    chosen = method(identifier)
    given = Case(case.films, ct=case.earlier if chosen.needs.ct else None)
    chosen.check(given)
    options = Options(device="cpu", extra={"consistent": bool(suffix)})
    return chosen.run(given, options, lambda _fraction, _stage: None)


def _chosen(metrics: dict[str, Any]) -> dict[str, float]:
    return {name: metrics[name] for name in METRICS}
