"""What a CT in its present pose looks like on each film, as nodes on the films' detectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from XRayLib.ct import Volume
from XRayLib.ct.blocks import block_mean
from XRayLib.geometry import XRayGeometry
from XRayLib.motion import DisplacementField
from XRayLib.radiograph import Radiograph
from XRayLib.scene.ct_in_memory import CtInMemory
from XRayLib.scene.deformation_nodes import deformation_of
from XRayLib.scene.matrices import rigid_local_to_world
from XRayLib.scene.radiograph_nodes import film_version, put_radiograph, radiograph_from_node
from XRayLib.scene.reprojection_nodes import put_reprojection
from XRayLib.scene.volume_nodes import volume_from_node
from XRayLib.scene.worker_session import blocking_client, finished

LIVE_SIDE_PX = 256
"""Longest side of a live re-projection: enough to judge an overlay, fast enough to follow a slider."""

DEFORMED_MM = 2.0
"""Voxel size of a deformed CT that is re-projected."""


def film_at_angles(
    primary_angle_deg: float,
    secondary_angle_deg: float,
    size_px: tuple[int, int] = (512, 512),
    pixel_spacing_mm: tuple[float, float] = (0.8, 0.8),
) -> Any:
    """An empty film of a C-arm (1020 mm, isocentre 700 mm) at the given angles, to plan or to test a view."""
    geometry = XRayGeometry.from_c_arm(
        primary_angle_deg=primary_angle_deg,
        secondary_angle_deg=secondary_angle_deg,
        source_to_detector_mm=1020.0,
        source_to_isocenter_mm=700.0,
        size_px=size_px,
        pixel_spacing_mm=pixel_spacing_mm,
    )
    image = np.zeros((size_px[1], size_px[0]), np.float32)
    return put_radiograph(Radiograph(image, geometry, source="planned view"), "Planned view")


def correlation(film: Radiograph, image: np.ndarray) -> float:
    """Normalised cross-correlation of film and re-projection under the film's mask; 0 when either is constant."""
    use = np.ones(image.shape, bool) if film.mask is None else film.mask
    first, second = film.line_integral[use], image[use]
    if first.size < 2 or first.std() < 1e-9 or second.std() < 1e-9:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


@dataclass(frozen=True)
class Reprojected:
    """What the CT in its present pose looks like on a film."""

    film: Any
    """The film's node."""
    radiograph: Radiograph
    """The film, coarse."""
    image: np.ndarray
    """Line integrals of the CT on the coarse film's pixels."""
    node: Any
    """The re-projection's node."""

    @property
    def correlation(self) -> float:
        """How alike film and re-projection are, 1 is perfect."""
        return correlation(self.radiograph, self.image)


class LiveReprojection:
    """Re-projects as the pose changes. The CT travels to the worker once; then only geometries do."""

    def __init__(
        self, client: Any, on_done: Callable[[list[Reprojected]], None], on_error: Callable[[Any], None]
    ) -> None:
        self._client = client
        self._on_done = on_done
        self._on_error = on_error
        self._ct = CtInMemory()
        self._deformed: tuple[tuple, Volume] | None = None
        self._asked: tuple | None = None
        self._in_worker = ""
        self._coarse: dict[str, tuple[tuple, Radiograph]] = {}

    def request(self, ct_node: Any, films: Sequence[Any], deformation: Any = None) -> None:
        """Ask for the re-projections of the present pose, unless they were asked for already.

        Of several requests that wait only the last is computed. ``deformation`` is a registration's grid transform.

        Raises InputError when the CT holds no image or is under a transform that is not rigid.
        """
        pose = rigid_local_to_world(ct_node)
        volume = self.volume(ct_node) if deformation is None else self._deformed_volume(ct_node, deformation)
        asked = (id(volume), self._ct.version, pose.tobytes(), *map(film_version, films))
        if asked == self._asked:
            return
        self._asked = asked
        coarse = [self._coarse_film(film) for film in films]
        geometries = [radiograph.geometry.moved(pose) for radiograph in coarse]

        def done(images: Sequence[np.ndarray]) -> None:
            computed = zip(images, coarse, films, strict=True)
            if ct_node.GetScene() is not None:
                self._on_done([_shown(*one, ct_node) for one in computed if one[2].GetScene() is not None])

        self._keep_in_worker(ct_node.GetID())
        self._client.project(ct_node.GetID(), volume, geometries, on_result=done, on_error=self._failed)

    def forget(self) -> None:
        """Drop CT and films: their scene is gone."""
        self._keep_in_worker("")
        self._ct.forget()
        self._asked = self._deformed = None
        self._coarse.clear()

    def _keep_in_worker(self, ct_id: str) -> None:
        """One CT at a time: they are large."""
        if self._in_worker not in ("", ct_id):
            self._client.remove_volume(self._in_worker)
        self._in_worker = ct_id

    def _failed(self, failure: Any) -> None:
        self._asked = None
        self._on_error(failure)

    def _coarse_film(self, film: Any) -> Radiograph:
        """The film, read again only when it changed: the pose changes many times a second."""
        version = film_version(film)
        known = self._coarse.get(film.GetID())
        if known is None or known[0] != version:
            known = self._coarse[film.GetID()] = (version, coarse_radiograph(radiograph_from_node(film)))
        return known[1]

    def _deformed_volume(self, ct_node: Any, deformation: Any) -> Volume:
        """The deformed CT, before its pose; the same object until CT or deformation change."""
        volume = self.volume(ct_node)
        key = (self._ct.version, deformation.GetID(), deformation.GetTransformFromParent().GetMTime())
        if self._deformed is None or self._deformed[0] != key:
            self._deformed = (key, deformed_volume(volume, deformation_of(deformation)))
        return self._deformed[1]

    def volume(self, ct_node: Any) -> Volume:
        """The CT in its own RAS, see CtInMemory."""
        return self._ct.volume(ct_node)


def _shown(image: np.ndarray, on: Radiograph, film: Any, ct_node: Any) -> Reprojected:
    return Reprojected(film, on, image, put_reprojection(image, on, film, ct_node))


def deformed_volume(ct: Volume, field: DisplacementField) -> Volume:
    """The CT (HU) deformed, with voxels as fine as a live re-projection shows."""
    coarse = block_mean(ct, DEFORMED_MM)
    return field.on_grid(coarse.voxels.shape, coarse.ijk_to_ras).warp(coarse, extend=True, keep_mass=True)


def coarse_geometry(geometry: XRayGeometry) -> XRayGeometry:
    """The same detector with its longest side at most LIVE_SIDE_PX pixels."""
    factor = LIVE_SIDE_PX / max(geometry.size_px)
    if factor >= 1:
        return geometry
    return geometry.resampled(tuple(max(1, round(n * factor)) for n in geometry.size_px))


def coarse_radiograph(radiograph: Radiograph) -> Radiograph:
    """The film's means over the pixels of the coarse detector; masked where any part of them is."""
    geometry = coarse_geometry(radiograph.geometry)
    image = block_means(radiograph.line_integral, geometry.size_px).astype(np.float32)
    mask = None if radiograph.mask is None else block_means(radiograph.mask, geometry.size_px) > 0.999
    return replace(radiograph, line_integral=image, geometry=geometry, mask=mask)


def block_means(image: np.ndarray, size_px: tuple[int, int]) -> np.ndarray:
    """Means over (columns, rows) = ``size_px`` blocks, which cover the image and differ by a pixel at most."""
    sums = image.astype(np.float64)
    for axis, blocks in enumerate(reversed(size_px)):
        starts = np.arange(blocks) * image.shape[axis] // blocks
        counts = np.diff(np.append(starts, image.shape[axis])).reshape((-1, 1) if axis == 0 else (1, -1))
        sums = np.add.reduceat(sums, starts, axis=axis) / counts
    return sums


def reproject_blocking(ct_node: Any, films: Sequence[Any]) -> list[Any]:
    """Re-project once and wait; returns the re-projections' nodes."""
    pose = rigid_local_to_world(ct_node)
    volume = volume_from_node(ct_node, in_world=False)
    coarse = [coarse_radiograph(radiograph_from_node(film)) for film in films]
    geometries = [radiograph.geometry.moved(pose) for radiograph in coarse]
    images = finished(blocking_client().project(ct_node.GetID(), volume, geometries))
    return [put_reprojection(image, on, film, ct_node) for image, on, film in zip(images, coarse, films, strict=True)]
