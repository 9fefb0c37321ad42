"""The atlas fitted to films, then changed as little as needed until it explains them."""

from __future__ import annotations

from collections.abc import Sequence

from XRayLib.ct import Volume
from XRayLib.data_consistency import Agreement, made_consistent
from XRayLib.radiograph import Radiograph
from XRayLib.registry import Progress, part_of

from X2CTReconLib.population_atlas.fitting import DRAWN_PAIRS, FittedAtlas, fitted_atlas

FITTING_SHARE = 0.65
"""Of the time."""


def consistent_atlas(
    atlas_hu: Volume,
    radiographs: Sequence[Radiograph],
    device: str = "auto",
    progress: Progress = lambda _fraction, _stage: None,
    drawn_pairs: int = DRAWN_PAIRS,
) -> tuple[FittedAtlas, Agreement]:
    """How the atlas was deformed, as of :func:`fitted_atlas`, and the expected patient, changed until it
    projects to the films."""
    fitted = fitted_atlas(atlas_hu, radiographs, device, part_of(progress, 0.0, FITTING_SHARE), drawn_pairs)
    agreement = made_consistent(
        fitted.expected(),
        radiographs,
        device=device,
        progress=part_of(progress, FITTING_SHARE, 1.0),
        goes_on_beyond=True,
    )
    return fitted, agreement
