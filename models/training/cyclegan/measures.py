"""What a style network does to real films it never saw: tones, anatomy, and a reconstruction from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, stats
from XRayLib.bundle import Bundle
from XRayLib.case import Case, Options
from XRayLib.radiograph import Radiograph
from XRayLib.registry import method
from XRayLib.reprojection import reproject
from XRayLib.style_transfer.square_film import SIDE, SquareFilm
from XRayLib.style_transfer.transfer import StyleTransfer

from cyclegan.films import ROLES, SIMULATED_VARIATION, Films, real_film, varied_crop

RECONSTRUCTION = "x2ct-cnn"
FINE_PX = 2.0
"""Detail finer than this standard deviation is compared as texture."""
CROPS = 60


def film_measures(bundle: Bundle, folder: Path, pairs: Sequence[str], simulated: Films) -> Iterator[dict[str, Any]]:
    """A row per held-out pair and role: distances to simulated films before and after, displacement, residuals."""
    transfer = StyleTransfer(bundle, "cpu")
    targets = {role: _simulated_sample(simulated[role]) for role in ROLES}
    for pair in pairs:
        films = [real_film(folder, pair, role) for role in ROLES]
        changed = [transfer.transferred(film) for film in films]
        residuals = [_residuals(films, films), _residuals([film.radiograph for film in changed], films)]
        for number, role in enumerate(ROLES):
            before, after = (SquareFilm.of(r, SIDE) for r in (films[number], changed[number].radiograph))
            check = changed[number].check
            yield {
                "pair": pair,
                "role": role,
                "tone": [_tone_distance(film.inner(film.image), targets[role]) for film in (before, after)],
                "texture": [_texture_distance(film.inner(film.image), targets[role]) for film in (before, after)],
                "change": float(np.abs(after.image - before.image).mean()),
                "moved_px": check.moved_px if check else float("nan"),
                "edge_correlation": check.edge_correlation if check else float("nan"),
                "kept": not changed[number].changed,
                "residual": [residual[number] for residual in residuals],
            }


def mean_of(rows: Sequence[Mapping[str, Any]], name: str, index: int | None = None) -> float:
    """Over the rows."""
    return float(np.mean([row[name] if index is None else row[name][index] for row in rows]))


def _simulated_sample(films: NDArray[np.float32]) -> NDArray[np.float32]:
    rng = np.random.default_rng(0)
    chosen = rng.integers(len(films), size=CROPS)
    return np.stack([varied_crop(films[n], SIMULATED_VARIATION, rng) for n in chosen])


def _tone_distance(film: NDArray[np.float32], simulated: NDArray[np.float32]) -> float:
    """Wasserstein-1 distance of the grey values (0..1) above air from those of the simulated films."""
    return float(stats.wasserstein_distance(_above_air(film), _above_air(simulated)[::17]))


def _texture_distance(film: NDArray[np.float32], simulated: NDArray[np.float32]) -> float:
    """How far the strength of fine detail is from that of the simulated films, as the size of a log ratio."""
    there = np.mean([_fine_detail(image) for image in simulated])
    return float(abs(np.log(_fine_detail(film) / there)))


def _fine_detail(film: NDArray[np.float32]) -> float:
    return float((film - ndimage.gaussian_filter(film, FINE_PX)).std())


def _above_air(film: NDArray[np.float32]) -> NDArray[np.float32]:
    return film[film > 0.05]


def _residuals(given: Sequence[Radiograph], originals: Sequence[Radiograph]) -> list[float]:
    """Of the reconstruction from ``given``, against the original films."""
    chosen = method(RECONSTRUCTION)
    case = Case(tuple(given))
    chosen.check(case)
    volume = chosen.run(case, Options(device="cpu"), lambda _fraction, _stage: None).volume
    assert volume is not None
    return [view.residual for view in reproject(volume, originals, device="cpu")]
