"""Where the lifting network starts: the average patient, deformed and changed until it projects to the films."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from XRayLib.ct import Volume
from XRayLib.radiograph import Radiograph

from X2CTReconLib.lifted_views import FULL_LINE_INTEGRAL, LiftingCube

Array = NDArray[np.float32]


def consistent_start(
    atlas_hu: Array,
    cube: LiftingCube,
    films: Sequence[Array],
    sources_ras_mm: Sequence[NDArray[np.float64]],
    device: str = "cpu",
) -> Array:
    """HU (n, n, n) along S, A, R: what the films tell without a network.

    Physics does what needs no learning: how much attenuation lies along every ray. The network is left with where
    along the ray it lies.

    Parameters
    ----------
    atlas_hu : (m, m, m)
        The average patient in the cube, m a multiple of n.
    films : (3, film_px, film_px) each
        As ``LiftingCube.film`` gives them; uncalibrated ones have a gain and an offset of their own.
    sources_ras_mm : (3,) each

    Raises
    ------
    InputError
        For a film without contrast.
    """
    from XRayLib.ct.blocks import block_mean

    from X2CTReconLib.population_atlas import consistent_atlas

    atlas = Volume.axis_aligned(atlas_hu, (cube.edge_mm / atlas_hu.shape[0],) * 3, cube.center_ras_mm)
    radiographs = [
        Radiograph(
            FULL_LINE_INTEGRAL * film[0],
            cube.film_geometry(source),
            mask=film[1] > 0.5,
            calibrated=bool(film[2].max() > 0.5),
        )
        for film, source in zip(films, sources_ras_mm, strict=True)
    ]
    # The network was trained to correct the most probable deformation; the mean of several it would not recognise.
    _, agreement = consistent_atlas(block_mean(atlas, cube.edge_mm / cube.size), radiographs, device, drawn_pairs=0)
    return agreement.volume.voxels
