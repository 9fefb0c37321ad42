"""Simulated radiographs (DRRs) of CTs, from exact line integrals to realistic films, and datasets of them."""

from XRayLib.simulate.dataset import SimulationPlan, simulate_to_files
from XRayLib.simulate.poses import c_arm_views, random_view
from XRayLib.simulate.radiograph_simulation import (
    film_of,
    realism_for,
    simulate_radiograph,
    tissue_line_integrals,
)
from XRayLib.simulate.realism import LEVELS, Realism, draw_realism

__all__ = [
    "LEVELS",
    "Realism",
    "SimulationPlan",
    "c_arm_views",
    "draw_realism",
    "film_of",
    "random_view",
    "realism_for",
    "simulate_radiograph",
    "simulate_to_files",
    "tissue_line_integrals",
]
