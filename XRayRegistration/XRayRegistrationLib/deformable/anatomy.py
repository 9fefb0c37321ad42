"""The patient at the resolutions of a deformable registration."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from XRayLib.ct import Volume, body_mask
from XRayLib.ct.blocks import block_mean
from XRayLib.errors import InputError
from XRayLib.simulate.radiograph_simulation import cropped_to_body

from XRayRegistrationLib.deformable.body_motion import BodyMotion
from XRayRegistrationLib.deformable.matching import DeformedMatcher
from XRayRegistrationLib.deformable.volume_levels import volume_level
from XRayRegistrationLib.rigid.least_squares import Matcher

WORKING_MM = 2.0
"""Voxel size of the CT from which everything else is made: no part of the motion is finer."""

MOST_VOXELS = 2_000_000
"""Of the finest level: each parameter costs a pass over them at every step."""

AIR_HU = np.float32(-1000)


def working_ct(ct: Volume, with_table: bool) -> Volume:
    """The CT in HU at WORKING_MM, cropped to the patient, its table removed unless the films show it."""
    scan = cropped_to_body(block_mean(ct, WORKING_MM))
    if with_table:
        return scan
    try:
        inside = body_mask(scan)
    except InputError:  # a bone or a phantom: nothing is table
        return scan
    return cropped_to_body(Volume(np.where(inside, scan.voxels, AIR_HU), scan.ijk_to_ras))


def deformed_matchers(
    ct: Volume, rigid_matchers: Sequence[Matcher], motion: BodyMotion, device: str
) -> tuple[DeformedMatcher, ...]:
    """The levels of a rigid registration, coarse to fine, as long as they are small enough to be deformed often."""
    size_mm3 = float(np.prod(ct.voxels.shape) * np.prod(ct.spacing_mm))
    finest_mm = (size_mm3 / MOST_VOXELS) ** (1 / 3)
    used = [matcher for matcher in rigid_matchers if matcher.spacing_mm >= finest_mm] or rigid_matchers[:1]
    return tuple(
        DeformedMatcher(volume_level(ct, m.spacing_mm), m.films, m.cut_faces, m.window_px, motion=motion, device=device)
        for m in used
    )
