"""Films and a voxel grid as one linear system, and the solvers that volume methods share."""

from XRayLib.tomography.conjugate_gradients import damped_least_squares
from XRayLib.tomography.films import FILM_DEVIATION, Films, films_at
from XRayLib.tomography.lengthwise import crossing_lengthwise, shown_lengthwise, shown_rays
from XRayLib.tomography.system import ProjectionSystem
from XRayLib.tomography.total_variation import differences, differences_adjoint, total_variation_denoised

__all__ = [
    "FILM_DEVIATION",
    "Films",
    "ProjectionSystem",
    "crossing_lengthwise",
    "damped_least_squares",
    "differences",
    "differences_adjoint",
    "films_at",
    "shown_lengthwise",
    "shown_rays",
    "total_variation_denoised",
]
