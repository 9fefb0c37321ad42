"""Surfaces in STL and Wavefront OBJ."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from XRayLib.mesh.polygons import Parsed, frame_named_in, triangulate


def parse_stl(content: bytes) -> Parsed:
    """Binary or text STL."""
    count = int.from_bytes(content[80:84], "little")
    if len(content) == 84 + 50 * count:
        record = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
        corners = np.frombuffer(content, record, count, 84)["corners"].astype(np.float64)
        frame = frame_named_in(content[:80])
    else:
        words = re.findall(rb"vertex\s+(\S+)\s+(\S+)\s+(\S+)", content)
        corners = np.array([[float(value) for value in word] for word in words]).reshape(-1, 3, 3)
        frame = frame_named_in(content[:200])
    points, triangles = np.unique(corners.reshape(-1, 3), axis=0, return_inverse=True)
    return points, triangles.reshape(-1, 3), frame


def parse_obj(content: bytes) -> Parsed:
    """Vertices and faces of a Wavefront OBJ; negative indices count from the end."""
    points: list[list[float]] = []
    polygons: list[NDArray[np.int64]] = []
    for line in content.decode("utf-8", "replace").splitlines():
        words = line.split()
        if words[:1] == ["v"]:
            points.append([float(value) for value in words[1:4]])
        elif words[:1] == ["f"]:
            numbers = np.array([int(word.partition("/")[0]) for word in words[1:]], np.int64)
            polygons.append(np.where(numbers > 0, numbers - 1, numbers + len(points)))
    return np.array(points, float).reshape(-1, 3), triangulate(polygons), frame_named_in(content[:1000])
