"""Methods on held-out patients: films at any angles, the numbers of a model card, resumable row by row."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from XRayLib.bundle import preferring
from XRayLib.case import Case, Options, Result
from XRayLib.ct import Volume, load_ct, remove_table
from XRayLib.data_consistency import made_consistent
from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry
from XRayLib.metrics.common_grid import coarsened, onto
from XRayLib.metrics.intensity import mean_absolute_error, psnr_3d
from XRayLib.metrics.legacy import legacy_psnr, legacy_ssim
from XRayLib.metrics.tissues import body_mask
from XRayLib.radiograph import Radiograph
from XRayLib.registry import method
from XRayLib.simulate import simulate_radiograph

from shared.evaluation import ROOMS, Room, mean_template
from shared.patients import Patient, chests_of, patients_of

AIR_HU = -1000.0
AIR, MEAN, CONSISTENT_MEAN = "air", "mean template", "mean template + consistency"
BASELINES = (AIR, MEAN, CONSISTENT_MEAN)
"""What any method must be measured against; the last two need no network."""
ROWS_FILE = "held_out.jsonl"
HELD_OUT_TEXT = """\
Measured {date} on simulated films of four patients that were never trained or tuned on (chest stand,
1800/1600 mm); table removed; means over the patients, compared on the CT's own grid and extent. PSNR-3D with range 2500
HU; "legacy" are the definitions of the code of X2CT-GAN (peak 4095, slice means). Films are calibrated line integrals
unless "mild" says that they went through exposure and processing. "+ consistency": the volume was then adjusted until
it projects to the films. The mean template is that of the training volumes around their middles; seconds on a shared
processor."""
UNITS = {"psnr_3d": "dB", "legacy_psnr": "dB", "legacy_ssim": "1", "mae_body_hu": "HU"}


@dataclass(frozen=True)
class FilmSet:
    """The films of one question: primary angles in degrees (secondary 0), realism and room."""

    name: str
    primary_deg: tuple[float, ...]
    realism: str = "none"
    room: Room = ROOMS[0]

    def films(self, ct: Volume) -> tuple[Radiograph, ...]:
        """Simulated from a CT whose middle is the isocentre."""
        geometries = [_geometry(self.room, angle, ct.center_ras_mm) for angle in self.primary_deg]
        return tuple(simulate_radiograph(ct, g, realism=self.realism, seed=1) for g in geometries)


FILM_SETS = (
    FilmSet("1 view, 0 deg", (0.0,)),
    FilmSet("2 views, 90 deg", (0.0, 90.0)),
    FilmSet("2 views, 60 deg", (0.0, 60.0)),
    FilmSet("2 views, 120 deg", (0.0, 120.0)),
    FilmSet("2 views, 90 deg, mild", (0.0, 90.0), "mild"),
)


@dataclass(frozen=True)
class Contender:
    """A method of the registry as it is measured."""

    method: str
    consistent: bool = False
    bundle: Path | None = None
    """Folder of the bundle; None for the method's own choice."""

    @property
    def name(self) -> str:
        """For tables."""
        return self.method + (" + consistency" if self.consistent else "")


def written_and_measured(
    write: Callable[..., dict[str, Any]],
    recipe: Any,
    held_out: Sequence[Path],
    film_sets: Sequence[FilmSet],
    contenders: Sequence[Contender],
) -> dict[str, Any]:
    """The manifest of a bundle that is written first, then measured by the method itself and written with its numbers.

    ``write(rows=...)`` writes the bundle; without ``held_out`` CT files nothing is measured. ``recipe`` has data,
    patients, output and edge_mm.
    """
    manifest = write(rows=())
    if not held_out:
        return manifest
    patients = patients_of(recipe.data, recipe.patients, recipe.output.parent / "cache")
    return write(rows=measured(recipe.output, patients, recipe.edge_mm, held_out, film_sets, contenders))


def evaluated(
    path: Path, film_set: FilmSet, contenders: Iterable[Contender], template: Volume | None, done: set[str]
) -> Iterator[dict[str, Any]]:
    """A row per contender and, with a ``template`` (in HU around the origin), per baseline, but for those ``done``."""
    contenders = [c for c in contenders if c.name not in done]
    baselines = [name for name in BASELINES if template is not None and name not in done]
    if not contenders and not baselines:
        return
    ct = remove_table(load_ct(path))
    reference = coarsened(ct)
    body = body_mask(reference.voxels)
    patient = path.name.split(".")[0]
    films = film_set.films(ct)
    for name in baselines:
        yield _row(patient, film_set, name, _baseline(name, template, films, reference, body, ct.center_ras_mm))
    for contender in contenders:
        started = time.perf_counter()
        try:
            result = _run(contender, films)
        except InputError:  # it does not take such films
            continue
        seconds = time.perf_counter() - started
        assert result.volume is not None
        values = numbers(reference, body, onto(result.volume, reference)[0])
        values["reprojection_residual"] = float(np.mean([view.residual for view in result.views]))
        yield _row(patient, film_set, contender.name, {**values, "seconds": seconds, **_calibration(result, reference)})


def _baseline(
    name: str,
    template: Volume,
    films: tuple[Radiograph, ...],
    reference: Volume,
    body: NDArray[np.bool_],
    middle_ras_mm: NDArray[np.float64],
) -> dict[str, float]:
    if name == AIR:
        return numbers(reference, body, np.full_like(reference.voxels, AIR_HU))
    placed = Volume.axis_aligned(template.voxels, template.spacing_mm, middle_ras_mm)
    if name == MEAN:
        return numbers(reference, body, onto(placed, reference)[0])
    started = time.perf_counter()
    agreement = made_consistent(placed, films, device="cpu")
    seconds = time.perf_counter() - started
    values = numbers(reference, body, onto(agreement.volume, reference)[0])
    residual = float(np.mean([view.residual for view in agreement.views]))
    return {**values, "reprojection_residual": residual, "seconds": seconds}


def numbers(reference: Volume, body: NDArray[np.bool_], voxels: NDArray[np.float32]) -> dict[str, float]:
    """The metrics of UNITS on the reference's grid."""
    return {
        "psnr_3d": psnr_3d(reference.voxels, voxels),
        "legacy_psnr": legacy_psnr(reference.voxels, voxels),
        "legacy_ssim": legacy_ssim(reference.voxels, voxels),
        "mae_body_hu": mean_absolute_error(reference.voxels, voxels, body),
    }


def resumed_rows(
    file: Path,
    patients: Sequence[Path],
    film_sets: Sequence[FilmSet],
    contenders: Sequence[Contender],
    template: Volume | None = None,
) -> list[dict[str, Any]]:
    """All rows, one JSON line each in ``file``; those that are there already are not computed again."""
    rows = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    file.parent.mkdir(parents=True, exist_ok=True)
    for path in patients:
        for film_set in film_sets:
            key = (path.name.split(".")[0], film_set.name)
            done = {row["method"] for row in rows if (row["patient"], row["films"]) == key}
            for row in evaluated(path, film_set, contenders, template, done):
                rows.append(row)
                with file.open("a") as stream:
                    stream.write(json.dumps(row) + "\n")
    return rows


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Means over the patients, one line per films and method, as Markdown."""
    lines = [
        "| films | method | PSNR-3D dB | MAE body HU | legacy PSNR | legacy SSIM | re-projection residual | seconds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for (films, name), group in grouped(rows).items():
        mean = {k: float(np.mean([row[k] for row in group])) for k in group[0] if isinstance(group[0][k], float)}
        residual = f"{mean['reprojection_residual']:.2f}" if "reprojection_residual" in mean else ""
        seconds = f"{mean['seconds']:.1f}" if "seconds" in mean else ""
        lines.append(
            f"| {films} | {name} | {mean['psnr_3d']:.2f} | {mean['mae_body_hu']:.0f} | {mean['legacy_psnr']:.2f} "
            f"| {mean['legacy_ssim']:.3f} | {residual} | {seconds} |"
        )
    return "\n".join(lines)


def metrics_of(rows: Sequence[Mapping[str, Any]], name: str, date: str) -> list[dict[str, Any]]:
    """A manifest's ``eval_metrics`` of one method beside the mean template, means over the patients."""
    groups = grouped(rows)
    entries = []
    for (films, found), group in groups.items():
        template = groups.get((films, MEAN))
        if found != name:
            continue
        for metric, unit in UNITS.items():
            entry = {
                "dataset": f"simulated films of held-out chest CTs, {films}",
                "metric": metric,
                "value": round(float(np.mean([row[metric] for row in group])), 3),
                "unit": unit,
                "n": len(group),
                "date": date,
            }
            if template:
                value = round(float(np.mean([row[metric] for row in template])), 3)
                entry |= {"baseline": "mean template", "baseline_value": value}
            entries.append(entry)
    return entries


def grouped(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], list[Mapping[str, Any]]]:
    """Rows by films and method, in the order of their first appearance of the films."""
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    order = list(dict.fromkeys(row["films"] for row in rows))
    for row in sorted(rows, key=lambda row: order.index(row["films"])):
        found.setdefault((row["films"], row["method"]), []).append(row)
    return found


def measured(
    output: Path,
    patients: Sequence[Patient],
    edge_mm: float,
    held_out: Sequence[Path],
    film_sets: Sequence[FilmSet],
    contenders: Sequence[Contender],
) -> list[dict[str, Any]]:
    """Rows of a training run on held-out CT files, kept in its ``output`` folder, beside its chest patients' mean."""
    template = mean_template(chests_of(patients), edge_mm)
    return resumed_rows(output / ROWS_FILE, [Path(p) for p in held_out], film_sets, contenders, template)


def calibration_text(rows: Sequence[Mapping[str, Any]], name: str) -> str:
    """How honest the method's stated deviation is, in words."""
    own = [row for row in rows if row["method"] == name and "within_1_sd" in row]
    if not own:
        return ""
    one, two = (100 * float(np.mean([row[f"within_{n}_sd"] for row in own])) for n in (1, 2))
    return (
        f"The CT lies within one stated standard deviation of the volume in {one:.0f} % of the voxels and within two "
        f"in {two:.0f} % (68 and 95 % for a normal error)."
    )


def _run(contender: Contender, films: tuple[Radiograph, ...]) -> Result:
    """With the contender's bundle, also where an installed one has its id."""
    found = "" if contender.bundle is None else contender.bundle.name
    options = Options(device="cpu", bundle=found, extra={"consistent": contender.consistent})
    with preferring(contender.bundle):
        return method(contender.method).run(Case(films), options, lambda _fraction, _stage: None)


def _calibration(result: Result, reference: Volume) -> dict[str, float]:
    """How often the truth lies within one and two stated deviations, in the volume's field of view."""
    if result.uncertainty is None or result.volume is None:
        return {}
    deviation, inside = onto(result.uncertainty, reference)
    error = np.abs(onto(result.volume, reference)[0] - np.maximum(reference.voxels, AIR_HU))[inside]
    return {f"within_{n}_sd": float((error <= n * deviation[inside]).mean()) for n in (1, 2)}


def _row(patient: str, film_set: FilmSet, name: str, values: Mapping[str, float]) -> dict[str, Any]:
    return {"patient": patient, "films": film_set.name, "method": name, **values}


def _geometry(room: Room, primary_deg: float, isocenter_ras_mm: NDArray[np.float64]) -> XRayGeometry:
    return XRayGeometry.from_c_arm(
        primary_angle_deg=primary_deg,
        secondary_angle_deg=0.0,
        source_to_detector_mm=room.source_to_detector_mm,
        source_to_isocenter_mm=room.source_to_isocenter_mm,
        size_px=(room.detector_px, room.detector_px),
        pixel_spacing_mm=(room.pixel_mm, room.pixel_mm),
        isocenter_ras_mm=isocenter_ras_mm,
    )
