"""What every network that turns films into a volume shares: its bundle, its output in HU, the result around it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from XRayLib.case import Options, Result
from XRayLib.ct import Volume
from XRayLib.errors import InputError, XRay3DError
from XRayLib.radiograph import Radiograph
from XRayLib.registry import Method, Progress, part_of

from X2CTReconLib.run_provenance import versions

TASK = "xray2ct"
AIR_HU = -1000.0
POOR_RESIDUAL = 0.8
"""Relative L2 between film and re-projection above which the volume does not explain the film."""

PROJECTING_FROM = 0.8


@dataclass(frozen=True)
class Reconstruction:
    """What a network made of the films, before it is compared with them. Volumes in the RAS frame of the films."""

    volume: Volume
    radiographs: tuple[Radiograph, ...]
    """As they were used."""
    bundle: Any
    session: Any
    views: Sequence[Mapping[str, Any]]
    """Provenance of every view."""
    cube: Mapping[str, Any]
    uncertainty: Volume | None = None
    labels: Volume | None = None
    quality: Mapping[str, float] | None = None
    warnings: tuple[str, ...] = ()
    goes_on_beyond: bool = False
    """Whether it goes on where films are empty; it is then made to project to them where the options do not say."""


def bundle_for(method: Method, bundle_id: str) -> Any:
    """The installed bundle of that id; InputError when it is not made for the method."""
    from XRayLib.bundle import installed_bundle

    bundle = installed_bundle(bundle_id)
    if bundle.task != TASK or (bundle.methods and method.id not in bundle.methods):
        raise InputError(f"The model '{bundle.id}' is not made for {method.title}: choose another model.")
    return bundle


def result_of(method: Method, found: Reconstruction, options: Options, progress: Progress, started: float) -> Result:
    """The result with its re-projections and how they agree with the films; ``started`` by ``time.perf_counter``."""
    from XRayLib.data_consistency import agreement_of

    progress(PROJECTING_FROM, "Projecting the result")
    agreement = agreement_of(
        found.volume,
        found.radiographs,
        options,
        part_of(progress, PROJECTING_FROM, 1.0),
        goes_on_beyond=found.goes_on_beyond,
    )
    residuals = [view.residual for view in agreement.views]
    progress(1.0, "Done")
    bundle = found.bundle
    return Result(
        method=method.id,
        volume=agreement.volume,
        uncertainty=found.uncertainty,
        labels=found.labels,
        views=agreement.views,
        quality={
            **{f"reprojection_residual_{n}": float(r) for n, r in enumerate(residuals, 1)},
            **(found.quality or {}),
            **agreement.quality,
        },
        warnings=(*found.warnings, *found.session.fallbacks, *residual_warnings(residuals), *agreement.warnings),
        provenance={
            "method": method.id,
            "bundle": {"id": bundle.id, "version": bundle.version, "sha256": bundle.sha256},
            "device": found.session.provider,
            "options": {"device": options.device, "bundle": options.bundle, "seed": options.seed},
            "cube": dict(found.cube),
            "views": [dict(view) for view in found.views],
            **agreement.provenance,
            "versions": versions(),
            "seconds": round(time.perf_counter() - started, 3),
        },
    )


def in_quantity(values: Mapping[str, NDArray[Any]], tensor: Mapping[str, Any]) -> NDArray[np.float32]:
    """A network output (n, n, n) in the quantity its manifest states, kept within the trained range."""
    raw = np.asarray(values[tensor["name"]], np.float32)[0, 0]
    if not np.isfinite(raw).all():
        raise XRay3DError("The network returned values that are not numbers: try the CPU as device.")
    low, high = tensor.get("value_range", (0.0, 1.0))
    return np.clip(raw, low, high) * tensor.get("scale", 1.0) + tensor.get("offset", 0.0)


def hounsfield(values: Mapping[str, NDArray[Any]], tensor: Mapping[str, Any]) -> NDArray[np.float32]:
    """HU (n, n, n) of a network's volume, nothing below air."""
    return np.maximum(in_quantity(values, tensor), AIR_HU)


def residual_warnings(residuals: Sequence[float]) -> tuple[str, ...]:
    """A sentence when the volume does not explain a film."""
    if not any(r > POOR_RESIDUAL for r in residuals):
        return ()
    return (
        "The volume's projection differs clearly from at least one radiograph: check the view names, the orientation "
        "of the images and their geometry.",
    )
