"""The organs that the proof plans with: from the CT's labels, else found in it by their density."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from XRayLib.case import SurfaceMesh
from XRayLib.ct import Volume, load_volume, resample_isotropic
from XRayLib.mesh import organ_template
from XRayLib.metrics.tissues import body_mask, lung_mask

Mask = NDArray[np.bool_]

LABELS = {"liver": (5,), "right lung": (12, 13, 14)}
"""Of TotalSegmentator, version 2."""
GRID_MM = 2.5
DENSITY_SPREAD_HU = 32.0
"""Of a liver about its median, noise smoothed away."""
SMOOTHING_MM = 2.5
NECK_MM = 7.5
"""What hangs on the liver by less than twice this is something else."""
BENEATH_MM = (15.0, 60.0)
"""So far below the right lung there is mostly liver."""


def ct_folder() -> Path:
    """Where the patients are: XRAY3D_DATA, else beside the repository."""
    return Path(os.environ.get("XRAY3D_DATA", Path(__file__).resolve().parents[4] / "shared" / "data")) / "ct"


def planned_organ(name: str, ct: Volume, organ: str) -> SurfaceMesh:
    """A surface of about 1000 vertices; ``organ`` of LABELS, by label where the CT has labels."""
    path = ct_folder() / f"{name}.labels.nii.gz"
    if path.is_file():
        labels = load_volume(path, quantity="label")
        inside = np.isin(labels.voxels, LABELS[organ])
        return organ_template(Volume(inside.astype(np.float32), labels.ijk_to_ras, "label"))
    coarse = resample_isotropic(ct, GRID_MM)
    inside = liver_mask(coarse) if organ == "liver" else right_lung_mask(coarse)
    return organ_template(Volume(inside.astype(np.float32), coarse.ijk_to_ras, "label"))


def right_lung_mask(ct: Volume) -> Mask:
    """The largest space of air in the right half of the body, (k, j, i), of a CT along R, A, S."""
    body = body_mask(ct.voxels)
    columns = np.flatnonzero(body.any(axis=(0, 1)))
    right = np.arange(ct.voxels.shape[2]) > columns[[0, -1]].mean()
    regions, _ = ndimage.label(lung_mask(ct.voxels, body) & right)
    sizes = np.bincount(regions.ravel())
    sizes[0] = 0
    return regions == sizes.argmax()


def liver_mask(ct: Volume) -> Mask:
    """What is as dense as what lies beneath the right lung and hangs together with it, of a CT of cubic voxels."""
    spacing = ct.spacing_mm[0]
    lung = right_lung_mask(ct)
    base = np.where(lung.any(axis=0), lung.argmax(axis=0), -1)
    depth_mm = (base - np.arange(len(lung))[:, None, None]) * spacing
    beneath = (depth_mm > BENEATH_MM[0]) & (depth_mm < BENEATH_MM[1]) & (base > 0)
    smooth = ndimage.gaussian_filter(ct.voxels, SMOOTHING_MM / spacing)
    seeds = beneath & (smooth > 0) & (smooth < 250)
    alike = np.abs(smooth - np.median(smooth[seeds])) < DENSITY_SPREAD_HU
    core = ndimage.distance_transform_edt(alike) * spacing > NECK_MM
    regions, _ = ndimage.label(core)
    votes = np.bincount(regions[seeds])
    votes[0] = 0
    grown = ndimage.distance_transform_edt(regions != votes.argmax()) * spacing <= NECK_MM
    closed = ndimage.binary_closing(np.pad(grown & alike, 3), iterations=3)[3:-3, 3:-3, 3:-3]
    return ndimage.binary_fill_holes(closed)
