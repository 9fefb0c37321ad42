"""Which pixels count how much when an organ's motion is sought: those near where it is projected.

How lungs, heart and bowel move among themselves is modelled coarsely. Far from the organ, what they do differently
would otherwise be explained by a wrong motion of the organ: there are many more such pixels.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from XRayLib.case import SurfaceMesh
from XRayLib.geometry.isocenter import isocenter_depth_mm

from XRayRegistrationLib.rigid.film_pyramid import Film

REACH_MM = 45.0
"""Distance from the planned organ's projection, at the patient: of the order of what it moves."""
ELSEWHERE = 0.1
"""Weight of pixels far away, which tell where the patient lies."""


def attentive(film: Film, organ: SurfaceMesh, ct_to_world: NDArray[np.float64]) -> Film:
    """The film with its signal weighted by distance from the organ, in the CT, as the pose puts it on the film."""
    from scipy.spatial import cKDTree

    geometry = film.geometry.moved(ct_to_world)
    depth_mm, _ = isocenter_depth_mm(film.geometry)
    mm_per_px = np.array(geometry.pixel_spacing_mm[::-1]) * depth_mm / geometry.source_to_detector_mm
    rows, columns = np.indices(film.signal.shape)
    pixels_mm = np.stack([columns, rows], axis=-1) * mm_per_px
    distance_mm, _ = cKDTree(geometry.project(organ.points) * mm_per_px).query(pixels_mm)
    weight = ELSEWHERE + (1 - ELSEWHERE) * np.exp(-((distance_mm / REACH_MM) ** 2))
    return replace(film, signal=(film.signal * weight).astype(np.float32))
