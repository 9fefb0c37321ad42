"""What a mesh network knows of its patient's organ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from X2CTReconLib.mesh_networks.graph import Graph, graph_of

Points = NDArray[np.float64]


@dataclass(frozen=True)
class OrganTemplate:
    """The organ in the CT, and how it moves.

    ``points`` (V, 3) in mm about ``middle_ras_mm``; ``mean`` (V, 3) the mean displacement over motion states;
    ``modes`` (M, V, 3) the displacement per standard deviation of each mode, mm.
    """

    points: Points
    triangles: NDArray[np.int64]
    middle_ras_mm: NDArray[np.float64]
    mean: Points
    modes: NDArray[np.float64]

    @property
    def graph(self) -> Graph:
        """Of the surface's edges."""
        return graph_of(self.triangles, len(self.points))
