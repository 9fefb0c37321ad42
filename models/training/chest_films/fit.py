"""Fit the looks of chest films to simulated films of the training patients.

    PYTHONPATH=models/training python -m chest_films.fit

Each patient is left out once to learn how strange a film of an unknown patient may be.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from shared.evaluation import PRIMARY_ANGLE_DEG, ROOMS
from X2CTReconLib.canonical import CanonicalCube
from X2CTReconLib.canonical_intensity import normalised
from X2CTReconLib.input_check.chest_films import MODEL_FILE, LooksOfFilms, glance_of
from XRayLib.ct import Volume, load_ct, remove_table, resample_isotropic
from XRayLib.geometry import XRayGeometry
from XRayLib.simulate import simulate_radiograph
from XRayLib.simulate.realism import LEVELS

PATIENTS = (
    "chest_lidc0001",
    "chest_lidc0002",
    "chest_lidc0003",
    "chest_lctsc104",
    "chest_cmbcrc_01068",
    "chest_lungdx_a0001",
    "chest_nlst112516",
    "chest_acrinflt_013",
)
"""Chests of the shipped recipes."""

EDGE_MM, FILM_PX, SPACING_MM = 416.0, 64, 3.0
ANGLE_DEG, SHIFT_MM, DISTANCE_SHARE = 8.0, 25.0, 0.08
"""How far views, isocentre and distances vary (deviation, deviation, largest)."""
COMPONENTS = 32
USUAL_PERCENTILE = 99.0

Film = tuple[NDArray[np.float32], NDArray[np.bool_]]


def _patient(path: Path) -> Volume:
    return resample_isotropic(remove_table(load_ct(path)), SPACING_MM)


def films_of(ct: Volume, role: str, count: int, rng: np.random.Generator) -> list[Film]:
    """Canonical films of one patient, each with its own room, view, exposure and processing."""
    return [_film(ct, role, rng) for _ in range(count)]


def _film(ct: Volume, role: str, rng: np.random.Generator) -> Film:
    room = ROOMS[int(rng.random() < 0.3)]
    scale = 1 + rng.uniform(-DISTANCE_SHARE, DISTANCE_SHARE)
    isocenter = ct.center_ras_mm + rng.normal(0, SHIFT_MM, 3)
    geometry = XRayGeometry.from_c_arm(
        primary_angle_deg=PRIMARY_ANGLE_DEG[role] + rng.normal(0, ANGLE_DEG / 2),
        secondary_angle_deg=rng.normal(0, ANGLE_DEG / 2),
        source_to_detector_mm=room.source_to_detector_mm,
        source_to_isocenter_mm=room.source_to_isocenter_mm * scale,
        size_px=(128, 128),
        pixel_spacing_mm=(2 * room.pixel_mm,) * 2,
        isocenter_ras_mm=isocenter,
    )
    level = LEVELS[int(rng.integers(len(LEVELS)))]
    radiograph = simulate_radiograph(ct, geometry, realism=level, seed=int(rng.integers(2**31)))
    image, seen = CanonicalCube(isocenter, EDGE_MM, FILM_PX).film(radiograph, role)
    return normalised(image, seen), seen


def fitted(films: Sequence[Film]) -> LooksOfFilms:
    """Components of glances; pixels that a film does not show take the mean of the others."""
    glances, shown = (np.stack(part) for part in zip(*(glance_of(*film) for film in films), strict=True))
    mean = (glances * shown).sum(axis=0) / np.maximum(shown.sum(axis=0), 1)
    off = np.where(shown, glances - mean, 0)
    _, singular, rows = np.linalg.svd(off, full_matrices=False)
    variance = singular**2 / len(films)
    rest = float(variance[COMPONENTS:].sum() / (off.shape[1] - COMPONENTS))
    return LooksOfFilms(mean, rows[:COMPONENTS].T, variance[:COMPONENTS], rest, usual=1.0)


def fitted_with_limit(films: Mapping[str, Sequence[Film]]) -> LooksOfFilms:
    """The looks of all patients; ``usual`` from films of patients that were left out."""
    strange = []
    for patient, own in films.items():
        others = fitted([film for name, some in films.items() if name != patient for film in some])
        strange += [others.strangeness(*film) for film in own]
    everyone = fitted([film for some in films.values() for film in some])
    usual = float(np.percentile(strange, USUAL_PERCENTILE))
    return LooksOfFilms(everyone.mean, everyone.basis, everyone.variance, everyone.rest, usual)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("XRAY3D_DATA", ".")) / "ct")
    parser.add_argument("--films", type=int, default=36, help="of each patient and role")
    parser.add_argument("--out", type=Path, default=MODEL_FILE)
    asked = parser.parse_args()
    cts = {
        name: resample_isotropic(remove_table(load_ct(asked.data / f"{name}.nii.gz")), SPACING_MM) for name in PATIENTS
    }
    arrays = {}
    for number, role in enumerate(PRIMARY_ANGLE_DEG):
        rng = np.random.default_rng([7, number])
        looks = fitted_with_limit({name: films_of(ct, role, asked.films, rng) for name, ct in cts.items()})
        for name in ("mean", "basis", "variance", "rest", "usual"):
            arrays[f"{role}_{name}"] = np.asarray(getattr(looks, name), np.float32)
    np.savez_compressed(asked.out, **arrays)


if __name__ == "__main__":
    main()
