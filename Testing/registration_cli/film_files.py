"""A small CT, films and landmarks as files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from XRayLib.ct import Volume
from XRayLib.geometry import XRayGeometry, write_geometry_file

CENTER = (10.0, 20.0, 30.0)


def a_ct() -> Volume:
    """A water box with an air cavity and a bone rod, 4 mm."""
    voxels = np.full((40, 40, 40), -1000, np.float32)
    voxels[5:35, 8:32, 6:34] = 0
    voxels[10:30, 12:24, 10:18] = -900
    voxels[:, 27:30, 19:22] = 800
    return Volume.axis_aligned(voxels, (4.0, 4.0, 4.0), CENTER)


def save_stack(frames: np.ndarray, geometry: XRayGeometry, path: Path) -> None:
    """Frames (frames, rows, columns) of line integrals as one file with a geometry file beside it."""
    import SimpleITK as sitk

    sitk.WriteImage(sitk.GetImageFromArray(np.squeeze(frames.astype(np.float32))), str(path))
    write_geometry_file(replace(geometry, assumed=()), path.with_suffix(".geometry.json"), "line_integral")


def landmark_pairs(path: Path, count: int, views: int) -> Path:
    points = [
        {"name": f"L{n}", "ct_ras_mm": [n * 20.0, n * n * 5.0, -n * 10.0], "pixels": [[10 + n, 20 + n]] * views}
        for n in range(count)
    ]
    path.write_text(json.dumps({"format": "xray3d.landmarks/1", "points": points}))
    return path
