"""What a report says about a registered pose: the verdict, and error bars per direction."""

from __future__ import annotations

from typing import Any

import numpy as np

from XRayLib.case import PoseQuality, Result
from XRayLib.direction_errors import direction_errors
from XRayLib.geometry import isocenter_of

LONGEST_BAR_PX = 260.0
LEAST_SCALE = {"mm": 5.0, "degrees": 2.0}
"""The longest bar stands for at least this much, so that a good pose does not look like a bad one."""

DIRECTIONS = ("toward the right (R)", "toward the front (A)", "toward the head (S)")
AXES = ("about R (nodding)", "about A (tilting sideways)", "about S (turning)")


def pose_values(result: Result) -> dict[str, Any]:
    """``accepted`` (or None), ``reason``, ``confidence``, ``seconds``; ``bars`` with name, value, unit, width_px."""
    quality = result.pose_quality
    if quality is None:
        return {"accepted": None, "reason": "", "confidence": 0.0, "seconds": {}, "bars": []}
    return {
        "accepted": quality.accepted,
        "reason": quality.reason,
        "confidence": quality.confidence,
        "seconds": quality.seconds,
        "bars": _bars(quality, result),
    }


def _bars(quality: PoseQuality, result: Result) -> list[dict[str, Any]]:
    geometries = [view.radiograph.geometry for view in result.views]
    # The result does not hold the CT; its beams through what the films look at run nearly as through its middle.
    middle = isocenter_of(geometries) if geometries else np.zeros(3)
    errors = direction_errors(quality.covariance_mm_rad, middle, geometries)
    rows = [(name, float(value), "mm") for name, value in zip(DIRECTIONS, errors.shift_mm, strict=True)]
    for number, depth in enumerate(errors.depth_mm, start=1):
        rows.append((f"along the beam of X-ray {number}", float(depth), "mm"))
    rows += [(name, float(value), "degrees") for name, value in zip(AXES, errors.rotation_deg, strict=True)]
    longest = {
        unit: max([least, *(value for _, value, of in rows if of == unit)]) for unit, least in LEAST_SCALE.items()
    }
    return [
        {"name": name, "value": value, "unit": unit, "width_px": LONGEST_BAR_PX * value / longest[unit]}
        for name, value, unit in rows
    ]
