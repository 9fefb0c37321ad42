"""Real biplane films of a wrist: two calibrated cameras, CT stacks of the radius and of the ulna without a voxel size.

Found from the data, not from any header: pixel (0, 0) of the calibration is the image's first pixel (eight metal beads
seen by both cameras triangulate within 0.5 px); the stacks run from the wrist up the forearm; rows and columns as
stored and slices in that order make the bones that the films show (mirrored, the radius fits clearly worse).
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from XRayLib.ct import MU_WATER_PER_MM, Volume
from XRayLib.geometry import XRayGeometry, read_autoscoper_calibration
from XRayLib.radiograph import Radiograph

Matrix = NDArray[np.float64]

FRAMES = ("0002", "0099", "0158")
BONES = {"radius": "rad", "ulna": "uln"}

SOFT_TISSUE = 1000.0
"""Stored value of water: the stacks hold HU + 1000. What counts on the film is bone less the tissue in its place."""
PADDING = 6
"""Empty voxels around the stack, so that the bone ends inside; not at its cut end."""

FIELD_VALUE = 20
"""Darker pixels lie outside the image intensifier's round field."""
FIELD_MARGIN_PX = 41

LANDMARKS = {
    ("0002", "radius"): (((886, 1205), (596, 1205)), ((917, 1690), (566, 1690))),
    ("0002", "ulna"): (((845, 1258), (750, 1235)), ((812, 1700), (740, 1690))),
    ("0099", "radius"): (((821, 1191), (700, 1216)), ((885, 1690), (628, 1690))),
    ("0099", "ulna"): (((778, 1240), (851, 1253)), ((768, 1690), (813, 1690))),
    ("0158", "radius"): (((815, 1190), (706, 1208)), ((877, 1690), (629, 1690))),
    ("0158", "ulna"): (((769, 1242), (854, 1245)), ((762, 1690), (813, 1690))),
}
"""(middle of the joint's end, middle of the shaft near the film's edge), each (column, row) in both cameras, read off
the films by eye to about 10 px. They give the bone's axis; the turn about it is searched."""


@dataclass(frozen=True, eq=False)
class Bone:
    """One bone of the CT: attenuation beyond soft tissue's, and where it is."""

    mu: Volume
    solid: NDArray[np.bool_]

    @property
    def ends_ras_mm(self) -> tuple[Matrix, Matrix]:
        """Middles of the joint's end and of the cut end, (3,) each."""
        area = self.solid.sum(axis=(1, 2))
        first = int(np.flatnonzero(area > 0.3 * area.max())[0])
        return self._middle(slice(first, first + 20)), self._middle(slice(len(area) - 20, len(area)))

    def _middle(self, planes: slice) -> Matrix:
        k, j, i = np.nonzero(self.solid[planes])
        return (self.mu.ijk_to_ras @ [i.mean(), j.mean(), k.mean() + planes.start, 1.0])[:3]


def wrist_folder() -> Path:
    """Where the films are: XRAY3D_DATA, else beside the repository."""
    shared = Path(__file__).resolve().parents[4] / "shared" / "data"
    return Path(os.environ.get("XRAY3D_DATA", shared)) / "xray" / "biplane_wrist"


def cameras() -> tuple[XRayGeometry, XRayGeometry]:
    """Both views, in the calibration object's frame."""
    return tuple(read_autoscoper_calibration(wrist_folder() / f"xr_calib_wrist_cam0{n}.txt") for n in (1, 2))


def bone_of(name: str, voxel_mm: tuple[float, float], *, mirrored: bool = False) -> Bone:
    """A bone at a voxel size (in plane, between slices), its RAS origin in the middle of the stack."""
    import tifffile

    stored = tifffile.imread(wrist_folder() / f"{BONES[name]}_dcm_cropped.tif").astype(np.float32)
    stored = stored[:, :, ::-1] if mirrored else stored
    stored = np.pad(stored, ((PADDING, 0), (PADDING, PADDING), (PADDING, PADDING)))
    solid = stored > 0
    mu = np.where(solid, (stored - SOFT_TISSUE) * (MU_WATER_PER_MM / 1000), 0)
    in_plane_mm, slice_mm = voxel_mm
    return Bone(Volume.axis_aligned(mu, (in_plane_mm, in_plane_mm, slice_mm), quantity="mu_per_mm"), solid)


def film_of(camera: int, frame: str) -> Radiograph:
    """The whole film as line integrals; the mask leaves out what lies outside the round field."""
    import cv2

    path = wrist_folder() / f"xr_rad_uln_cam0{camera + 1}_UND.{frame}.tif"
    counts = cv2.imread(str(path), cv2.IMREAD_UNCHANGED).astype(np.float32)
    inside = cv2.blur((counts > FIELD_VALUE).astype(np.float32), (FIELD_MARGIN_PX, FIELD_MARGIN_PX)) > 0.999
    line_integral = -np.log(np.maximum(counts, 1) / 255)
    return Radiograph(
        line_integral, cameras()[camera], mask=inside, source=f"biplane film {frame}, camera {camera + 1}"
    )


def films_about(frame: str, bone: str) -> list[Radiograph]:
    """Both films, cropped to where the bone is."""
    pairs = np.array(LANDMARKS[frame, bone], float)
    depths = [camera.depth_mm(triangulated(pairs[0]))[0] for camera in cameras()]
    films = []
    for camera in range(2):
        film = film_of(camera, frame)
        columns, rows = film.geometry.size_px
        low = np.maximum(pairs[:, camera].min(axis=0) - 170, 0).astype(int)
        high = np.minimum(pairs[:, camera].max(axis=0) + 170, (columns, rows)).astype(int)
        window = np.s_[low[1] : high[1], low[0] : high[0]]
        geometry = film.geometry.cropped(int(low[0]), int(low[1]), tuple(int(n) for n in high - low))
        geometry = replace(geometry, source_to_isocenter_mm=float(depths[camera]))
        films.append(replace(film, line_integral=film.line_integral[window], mask=film.mask[window], geometry=geometry))
    return films


def triangulated(pixels: NDArray[np.float64]) -> Matrix:
    """The point (3,) nearest to the rays through one pixel (column, row) of each camera, by linear least squares."""
    rows = []
    for camera, (column, row) in zip(cameras(), pixels, strict=True):
        matrix = camera.ras_to_pixel
        rows += [column * matrix[2] - matrix[0], row * matrix[2] - matrix[1]]
    system = np.array(rows)
    return np.linalg.lstsq(system[:, :3], -system[:, 3], rcond=None)[0]
