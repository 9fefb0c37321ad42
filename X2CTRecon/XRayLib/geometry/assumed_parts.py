"""Which parts of a geometry its ``assumed`` phrases speak of."""

from __future__ import annotations

import enum
import re

from XRayLib.geometry.xray_geometry import XRayGeometry


class AssumedPart(enum.Enum):
    """A part of a geometry that was not measured."""

    DIRECTION = "direction"
    """Where the beam comes from is known by the view's name only."""
    SECONDARY_ANGLE = "secondary angle"
    CENTRAL_RAY = "central ray"
    """The patient's middle was put on the central ray, and that through the middle of the film."""
    SOURCE_DISTANCE = "source distance"
    PATIENT_DISTANCE = "patient distance"
    PIXEL_SPACING = "pixel spacing"


PHRASES: tuple[tuple[str, frozenset[AssumedPart]], ...] = (
    (
        r"(PA|AP|LL|RL) view with the central ray through the middle of the film",
        frozenset({AssumedPart.DIRECTION, AssumedPart.CENTRAL_RAY}),
    ),
    (r"secondary angle 0 degrees", frozenset({AssumedPart.SECONDARY_ANGLE})),
    (r"source-to-detector distance [0-9.]+ mm", frozenset({AssumedPart.SOURCE_DISTANCE})),
    (r"patient's middle [0-9.]+ mm from the source", frozenset({AssumedPart.PATIENT_DISTANCE})),
    (r"(film|image)'s long side [0-9.]+ mm", frozenset({AssumedPart.PIXEL_SPACING})),
    (r"Pixel Spacing holds on the detector", frozenset({AssumedPart.PIXEL_SPACING})),
)
"""What the readers of DICOM tags and films write into ``XRayGeometry.assumed``; other phrases tell how a contradiction
was resolved and leave nothing open."""


def assumed_parts(geometry: XRayGeometry) -> frozenset[AssumedPart]:
    """The parts of the geometry that were assumed rather than read."""
    found = [parts for phrase in geometry.assumed for pattern, parts in PHRASES if re.fullmatch(pattern, phrase)]
    return frozenset().union(*found)
