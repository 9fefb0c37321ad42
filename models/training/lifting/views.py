"""Random sets of views: one to three films of one patient, mostly about a right angle apart, at any angle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ViewVariation:
    """How sets of views vary; degrees. Primary angles follow DICOM (+ toward LAO, 0 is PA)."""

    view_shares: tuple[float, ...] = (0.25, 0.6, 0.15)
    """Of sets with 1, 2, .. views."""
    frontal_share: float = 0.7
    """Of first views near PA or AP, with this deviation; others anywhere around the patient."""
    frontal_deviation: float = 12.0
    right_angle_share: float = 0.4
    """Of further views a right angle away, with this deviation; others between the least and largest separation."""
    right_angle_deviation: float = 4.0
    separation: tuple[float, float] = (30.0, 150.0)
    tilt_deviation: float = 4.0
    tilted_share: float = 0.15
    """Of views tilted toward head or feet by up to this."""
    largest_tilt: float = 25.0


def random_sources(
    variation: ViewVariation, source_mm: tuple[float, float], reversed_share: float, rng: np.random.Generator
) -> list[NDArray[np.float64]]:
    """Source positions (3,) RAS mm about an isocentre at the origin, one per view."""
    count = 1 + int(rng.choice(len(variation.view_shares), p=variation.view_shares))
    if rng.random() < variation.frontal_share:
        first = rng.standard_normal() * variation.frontal_deviation
    else:
        first = rng.uniform(-180, 180)
    primaries, side = [first], rng.choice((-1, 1), p=(0.3, 0.7))
    for n in range(1, count):
        right_angle = rng.random() < variation.right_angle_share
        apart = 90 + rng.standard_normal() * variation.right_angle_deviation
        apart = apart if right_angle else rng.uniform(*variation.separation)
        primaries.append(first + (side if n == 1 else -side) * apart)
    return [_source(primary, variation, source_mm, reversed_share, rng) for primary in primaries]


def _source(
    primary: float,
    variation: ViewVariation,
    source_mm: tuple[float, float],
    reversed_share: float,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    if rng.random() < variation.tilted_share:
        secondary = rng.uniform(-variation.largest_tilt, variation.largest_tilt)
    else:
        secondary = rng.standard_normal() * variation.tilt_deviation
    p, s = np.radians((primary, secondary))
    to_detector = np.array([-np.sin(p) * np.cos(s), np.cos(p) * np.cos(s), np.sin(s)])
    distance = np.exp(rng.uniform(*np.log(source_mm)))
    return (distance if rng.random() < reversed_share else -distance) * to_detector
