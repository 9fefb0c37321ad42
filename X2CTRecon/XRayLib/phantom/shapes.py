"""Shapes with a (nearly) Euclidean signed distance: ellipsoids and tapered tubes, round or flat."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float32]
Vector = NDArray[np.float64]


class Shape(ABC):
    """A body in RAS mm."""

    @abstractmethod
    def bounds(self) -> tuple[Vector, Vector]:
        """Lowest and highest corner of a box that holds the shape."""

    @abstractmethod
    def distance(self, r: Array, a: Array, s: Array) -> Array:
        """Signed distance in mm, negative inside; exact near the surface of thin shapes."""


@dataclass(frozen=True)
class Ellipsoid(Shape):
    """``radii`` lie along the rows of ``axes`` (default R, A, S)."""

    center: ArrayLike
    radii: ArrayLike
    axes: ArrayLike = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))

    def bounds(self) -> tuple[Vector, Vector]:
        reach = np.sqrt(((np.asarray(self.axes, float) * np.asarray(self.radii, float)[:, None]) ** 2).sum(axis=0))
        return np.asarray(self.center, float) - reach, np.asarray(self.center, float) + reach

    def distance(self, r: Array, a: Array, s: Array) -> Array:
        center = np.asarray(self.center, np.float32)
        x, y, z = r - center[0], a - center[1], s - center[2]
        level = np.zeros_like(x)
        slope = np.zeros_like(x)
        for axis, radius in zip(np.asarray(self.axes, np.float32), np.asarray(self.radii, np.float32), strict=True):
            along = (x * axis[0] + y * axis[1] + z * axis[2]) / radius
            level += along * along
            slope += (along / radius) ** 2
        level = np.sqrt(level)
        # First-order distance to the implicit surface (Taubin, 1994): value over the length of its gradient.
        return (level - 1) * level / np.sqrt(np.maximum(slope, 1e-9))


@dataclass(frozen=True)
class Tube(Shape):
    """A straight piece with round ends, its radius running from ``radius`` to ``end_radius``."""

    start: ArrayLike
    end: ArrayLike
    radius: float
    end_radius: float | None = None

    def bounds(self) -> tuple[Vector, Vector]:
        ends = np.stack([np.asarray(self.start, float), np.asarray(self.end, float)])
        reach = max(self.radius, self.end_radius or 0.0)
        return ends.min(axis=0) - reach, ends.max(axis=0) + reach

    def distance(self, r: Array, a: Array, s: Array) -> Array:
        x, y, z, fraction = _from_axis(self.start, self.end, r, a, s)
        taper = (self.radius if self.end_radius is None else self.end_radius) - self.radius
        return np.sqrt(x * x + y * y + z * z) - np.float32(self.radius) - fraction * np.float32(taper)


@dataclass(frozen=True)
class Blade(Shape):
    """A straight piece of elliptic section: ``half_width`` along the unit vector ``across``, else thin."""

    start: ArrayLike
    end: ArrayLike
    half_width: float
    half_thickness: float
    across: ArrayLike

    def bounds(self) -> tuple[Vector, Vector]:
        ends = np.stack([np.asarray(self.start, float), np.asarray(self.end, float)])
        reach = max(self.half_width, self.half_thickness)
        return ends.min(axis=0) - reach, ends.max(axis=0) + reach

    def distance(self, r: Array, a: Array, s: Array) -> Array:
        x, y, z, _ = _from_axis(self.start, self.end, r, a, s)
        across = np.asarray(self.across, np.float32)
        wide = x * across[0] + y * across[1] + z * across[2]
        square = x * x + y * y + z * z
        thin = np.maximum(square - wide * wide, 0) / np.float32(self.half_thickness**2)
        wide = wide * wide / np.float32(self.half_width**2)
        level = np.sqrt(thin + wide)
        slope = np.sqrt(thin / np.float32(self.half_thickness**2) + wide / np.float32(self.half_width**2))
        return (level - 1) * level / np.maximum(slope, 1e-6)


def _from_axis(start: ArrayLike, end: ArrayLike, r: Array, a: Array, s: Array) -> tuple[Array, Array, Array, Array]:
    """Vector from the nearest point of a straight piece to each position, and that point's fraction along it."""
    first = np.asarray(start, np.float32)
    along = np.asarray(end, np.float32) - first
    x, y, z = r - first[0], a - first[1], s - first[2]
    length_square = max(float(along @ along), 1e-9)
    fraction = np.clip((x * along[0] + y * along[1] + z * along[2]) / np.float32(length_square), 0, 1)
    return x - fraction * along[0], y - fraction * along[1], z - fraction * along[2], fraction


def shifted(point: ArrayLike, r: float = 0.0, a: float = 0.0, s: float = 0.0) -> Vector:
    """The point moved by ``r``, ``a`` and ``s`` mm."""
    return np.asarray(point, float) + np.array([r, a, s])


def tubes_along(points: ArrayLike, radii: ArrayLike) -> list[Shape]:
    """Round tubes through ``points`` (N, 3), with a radius at each."""
    path = np.asarray(points, float)
    widths = np.broadcast_to(np.asarray(radii, float), len(path))
    pieces = zip(path[:-1], path[1:], widths[:-1], widths[1:], strict=True)
    return [Tube(start, end, float(first), float(last)) for start, end, first, last in pieces]
