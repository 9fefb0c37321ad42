"""Geometry-aware lifting: any set of films at any angles to a volume with its uncertainty."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from XRayLib.case import Case, Options, Result
from XRayLib.ct import Volume
from XRayLib.ct.tissue_labels import tissue_labels
from XRayLib.errors import InputError
from XRayLib.radiograph import Radiograph
from XRayLib.radiograph.lateral_facing import facing_corrected
from XRayLib.registry import Method, Needs, Progress

from X2CTReconLib.consistent_start import consistent_start
from X2CTReconLib.input_check.standard_views import standard_view_warnings
from X2CTReconLib.lifted_views import LiftingCube
from X2CTReconLib.network_result import (
    TASK,
    Reconstruction,
    bundle_for,
    hounsfield,
    in_quantity,
    result_of,
)
from X2CTReconLib.population_atlas import stored_atlas
from X2CTReconLib.run_provenance import view_provenance
from X2CTReconLib.x2ct_views import ONE_FILM_LIMIT, SMALLEST_SEEN_SHARE, TWO_FILMS_LIMIT, assumed_of

MOST_VIEWS = 8
TISSUES = ("air", "lung", "soft_tissue", "bone")
"""Order of the network's tissue probabilities."""

MM3_PER_LITRE = 1e6


class Lifting(Method):
    """Physics first: an average patient is deformed and changed until it projects to the films. A 2D network then reads
    every film, a 3D network what all films show of every voxel, at its perspective place; both correct the start. The
    result is made consistent with the films again, unless ``Options.extra["consistent"]`` is false."""

    id = "lifting"
    title = "Geometry-aware lifting"
    summary = (
        "A network of ours samples what every film shows of every voxel, along the true rays: one to eight chest films "
        "at any angles and distances. It returns a CT-like volume, how uncertain it is at every voxel, and tissues. "
        "Inner detail is an average of the CTs it was trained on; it cannot show pathology."
    )
    citation = "XRay3D: perspective lifting of film features into a residual 3D network, see the model card."
    returns: ClassVar[str] = "volume"
    needs: ClassVar[Needs] = Needs(min_views=1, max_views=MOST_VIEWS, bundle_task=TASK)
    default_bundle: ClassVar[str] = "lifting-chest"

    def run(self, case: Case, options: Options, progress: Progress) -> Result:
        """Volume and standard deviation in HU in the cube around the isocentre, litres of every tissue."""
        from XRayLib.runtime import open_session

        started = time.perf_counter()
        progress(0.0, "Checking the views")
        bundle = bundle_for(self, options.bundle or self.default_bundle)
        outputs = _outputs_by_role(bundle.manifest)
        radiographs, turned = facing_corrected(case.radiographs)
        cube = _cube_of(bundle.manifest, case.isocenter_ras_mm)
        films = [cube.film(radiograph) for radiograph in radiographs]
        strange = standard_view_warnings(radiographs, cube.center_ras_mm)
        shown = sorted(((tuple(r.geometry.source_ras_mm), n) for n, r in enumerate(radiographs)))
        ordered = [films[n] for _, n in shown]  # the order given must not even change the rounding
        sources = [np.array(source) for source, _ in shown]
        progress(0.05, "Making the average patient agree with the films")
        start = bundle.manifest["inputs"]["start"]
        scale, offset = start["scale"], start["offset"]
        begun = consistent_start(stored_atlas(bundle).hu, cube, ordered, sources, options.device)
        tensors = {
            **cube.tensors(ordered, sources)._asdict(),
            "start": np.clip((begun - offset) / scale, *start["value_range"])[None, None],
        }
        progress(0.25, "Loading the network")
        session = open_session(bundle, options.device)
        progress(0.3, "Reconstructing")
        values = session.run(tensors, while_running=lambda: progress(0.5, "Reconstructing"))
        hu = hounsfield(values, outputs["volume"])
        volume = Volume.axis_aligned(hu, (cube.edge_mm / hu.shape[0],) * 3, cube.center_ras_mm)
        deviation = in_quantity(values, outputs["uncertainty"])
        found = Reconstruction(
            volume=volume,
            uncertainty=Volume(deviation, volume.ijk_to_ras, "HU_sd"),
            labels=tissue_labels(values[outputs["tissue"]["name"]][0], volume),
            radiographs=radiographs,
            bundle=bundle,
            session=session,
            views=[view_provenance(radiograph) for radiograph in radiographs],
            cube={"center_ras_mm": [float(c) for c in cube.center_ras_mm], "edge_mm": cube.edge_mm},
            quality=_numbers(hu, deviation, values[outputs["tissue"]["name"]], cube),
            warnings=(*_view_warnings(radiographs, films), *turned, *strange),
            goes_on_beyond=True,
        )
        return result_of(self, found, options, progress, started)


def _cube_of(manifest: Any, center_ras_mm: np.ndarray) -> LiftingCube:
    films, projections = manifest["inputs"]["films"], manifest["inputs"]["projections"]
    side, spacing_mm = int(projections["shape"][-1]), float(projections["spacing_mm"][0])
    film_px, pixel_mm = int(films["shape"][-1]), float(films["spacing_mm"][0])
    return LiftingCube(center_ras_mm, side * spacing_mm, side, film_px * pixel_mm, film_px)


def _outputs_by_role(manifest: Any) -> dict[str, Mapping[str, Any]]:
    found = {tensor["role"]: {"name": name, **tensor} for name, tensor in manifest["outputs"].items()}
    if not {"volume", "uncertainty", "tissue"} <= set(found) or found["volume"].get("axes") != "SAR":
        raise InputError("The model has no volume, uncertainty and tissue along S, A, R: choose another model.")
    return found


def _numbers(hu: np.ndarray, deviation: np.ndarray, tissue: np.ndarray, cube: LiftingCube) -> dict[str, float]:
    """Litres of every tissue but air in the cube, and the mean stated deviation inside of the body."""
    litres = (cube.edge_mm / tissue.shape[-1]) ** 3 / MM3_PER_LITRE
    labels = tissue[0].argmax(axis=0)
    body = hu > -500
    return {
        **{f"{name}_litres": float((labels == n).sum() * litres) for n, name in enumerate(TISSUES) if name != "air"},
        "mean_deviation_hu": float(deviation[body].mean()) if body.any() else float(deviation.mean()),
    }


def _view_warnings(radiographs: Sequence[Radiograph], films: list[np.ndarray]) -> tuple[str, ...]:
    """What the user must know about the given views before looking at the result."""
    count = len(films)
    warnings = [ONE_FILM_LIMIT if count == 1 else TWO_FILMS_LIMIT]
    if count > 2:
        warnings = [TWO_FILMS_LIMIT.replace("Two films", f"{count} films")]
    for n, (radiograph, film) in enumerate(zip(radiographs, films, strict=True), 1):
        if film[1].mean() < SMALLEST_SEEN_SHARE:
            warnings.append(
                f"View {n} shows only {100 * film[1].mean():.0f} % of the field around the isocentre: the rest is "
                "guessed."
            )
        warnings.extend(f"View {n}: {text}" for text in assumed_of(radiograph))
    return tuple(warnings)
