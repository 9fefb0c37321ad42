"""Distances between two surfaces, whether they bound masks or are meshes: one summary for both."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from XRayLib.metrics.common_grid import Mask, bounding_box

Distances = NDArray[np.floating]


@dataclass(frozen=True)
class SurfaceDistances:
    """Symmetric distances in mm; not a number when a surface is missing.

    ``mean`` (MD) and ``rmse`` over the distances of both directions; ``p95`` and ``hausdorff`` the larger of both
    directions' 95th percentile and maximum (Taha and Hanbury, BMC Medical Imaging 15:29, 2015).
    """

    mean: float
    rmse: float
    p95: float
    hausdorff: float

    def named(self, prefix: str) -> dict[str, float]:
        """The four as ``<prefix>_mm``, ``<prefix>_rmse_mm``, ``<prefix>_p95_mm`` and ``<prefix>_hausdorff_mm``."""
        values = asdict(self)
        return {f"{prefix}_mm": values.pop("mean"), **{f"{prefix}_{name}_mm": v for name, v in values.items()}}


def summarize(forward: Distances, backward: Distances) -> SurfaceDistances:
    """From each point of the first surface to the second (N,), and back (M,)."""
    if not forward.size or not backward.size:
        return SurfaceDistances(*[float("nan")] * 4)
    both = np.concatenate([forward, backward]).astype(np.float64)
    return SurfaceDistances(
        mean=float(both.mean()),
        rmse=float(np.sqrt(np.mean(both**2))),
        p95=float(max(np.percentile(forward, 95), np.percentile(backward, 95))),
        hausdorff=float(both.max()),
    )


def mask_surface_distances(first: Mask, second: Mask, spacing_kji_mm: tuple[float, float, float]) -> SurfaceDistances:
    """Between the border voxels of two regions on one grid: region voxels with a face neighbour outside the region."""
    from scipy.ndimage import distance_transform_edt

    borders = [_border(mask) for mask in (first, second)]
    if not all(border.any() for border in borders):
        return summarize(np.empty(0), np.empty(0))
    box = bounding_box(borders[0] | borders[1])
    borders = [border[box] for border in borders]
    forward, backward = (
        distance_transform_edt(~borders[other], sampling=spacing_kji_mm)[borders[own]]
        for own, other in ((0, 1), (1, 0))
    )
    return summarize(forward, backward)


def _border(mask: Mask) -> Mask:
    """Where the region is cut by the edge of the grid there is no surface."""
    from scipy.ndimage import binary_erosion

    return mask & ~binary_erosion(mask, border_value=1)
