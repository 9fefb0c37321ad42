"""Breathing for the proof, made otherwise than the one that networks are trained on.

Trained: closed formulas, sliding along lines of a star-shaped cavity, a curl of B-splines. Here: an elastic body. The
displacement of the organ and what lies around it spreads through the trunk as in a membrane whose stiffness depends on
the tissue (lung yields, soft tissue resists), held by spine and skin; a free-form velocity of B-splines is added, and
the whole is a flow: the exponential of a stationary velocity (Arsigny et al., MICCAI 2006), which has an inverse. No
code is shared with ``XRayLib.motion`` but the type of the field.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse
from scipy.sparse.linalg import cg
from XRayLib.case import SurfaceMesh
from XRayLib.ct import Volume, body_mask, resample_isotropic
from XRayLib.metrics.mesh_solid import voxels_inside
from XRayLib.motion import DisplacementField

Array = NDArray[np.float64]

GRID_MM = 5.0
WALL_MM = 24.0
"""Outer layer of the body that breathing does not move up or down."""
FREE_AROUND_ORGAN_MM = 12.0
STIFFNESS = {"lung": 0.3, "soft": 1.0, "air": 0.02}
HALVINGS = 7
RANGE_MM = (-22.0, 34.0)
"""How far the organ moves along S; a CT is mostly taken after breathing in."""
LATTICE_MM = 45.0


@dataclass(frozen=True)
class Breath:
    """What one state is drawn from; lengths in mm, all relative to the CT."""

    superior_mm: float
    anterior_mm: float
    right_mm: float
    tilt_deg: float
    """Of the organ about R, about its middle."""
    ribs_deg: float
    """The front of the chest turns about the spine."""
    free_form_mm: float
    seed: int

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Breath:
        """Between deep expiration (up) and inspiration (down) relative to the CT."""
        superior = float(rng.uniform(*RANGE_MM))
        return cls(
            superior_mm=superior,
            anterior_mm=float(-superior * rng.uniform(0.0, 0.35) + rng.normal(0, 1.0)),
            right_mm=float(superior * rng.normal(0, 0.07)),
            tilt_deg=float(superior / 20 * rng.normal(0, 2.0)),
            ribs_deg=float(-superior / 20 * rng.uniform(0, 2.0)),
            free_form_mm=float(rng.uniform(0.5, 3.5)),
            seed=int(rng.integers(2**31)),
        )


class ElasticBody:
    """One patient; ``field`` makes a state of it."""

    def __init__(self, ct: Volume, organ: SurfaceMesh) -> None:
        self.ct = resample_isotropic(ct, GRID_MM)
        hu, origin = self.ct.voxels, self.ct.ijk_to_ras[:3, 3]
        body = body_mask(self.ct)
        inside = voxels_inside(organ, hu.shape, origin, GRID_MM)
        lung = (hu < -450) & body & ~inside
        depth = ndimage.distance_transform_edt(np.pad(body, ((9, 9), (1, 1), (1, 1)), mode="edge"))[9:-9, 1:-1, 1:-1]
        to_organ = ndimage.distance_transform_edt(~inside) * GRID_MM
        k, j, i = np.indices(hu.shape)
        self._points = np.stack([i, j, k], axis=-1) * GRID_MM + origin
        self._middle = np.asarray(organ.points).mean(axis=0)
        sides = [np.percentile(self._points[body][:, n], (2, 98)) for n in range(3)]
        self._spine_ras = np.array([sides[0].mean(), sides[1][0] + 0.3 * np.ptp(sides[1]), self._middle[2]])
        spine = (np.abs(self._points[..., 0] - self._spine_ras[0]) < 20) & (self._points[..., 1] < self._spine_ras[1])
        held = (((depth * GRID_MM < WALL_MM) | spine) & (to_organ > FREE_AROUND_ORGAN_MM)) | ~body
        if not _ends_in_lung(lung):
            apex = self._points[lung][:, 2].max() if lung.any() else sides[2][1]
            held |= self._points[..., 2] > apex - 5
        stiffness = np.where(lung, STIFFNESS["lung"], np.where(body, STIFFNESS["soft"], STIFFNESS["air"]))
        driven = (to_organ < 0.5 * GRID_MM) | self._beneath(body & ~held, organ)
        self._up, self._down = (
            _membrane(stiffness, held & ~driven, driven | (_swept(driven, reach_mm) & ~held))
            for reach_mm in (RANGE_MM[1] - 6, RANGE_MM[0] + 6)
        )
        self._front = np.clip((self._points[..., 1] - self._spine_ras[1]) / np.ptp(sides[1]), 0, 1)

    def _beneath(self, free: NDArray[np.bool_], organ: SurfaceMesh) -> NDArray[np.bool_]:
        """What fills the belly at the organ's own height goes with it."""
        heights = np.percentile(np.asarray(organ.points)[:, 2], (10, 60))
        s = self._points[..., 2]
        return ndimage.binary_erosion(free, iterations=2) & (s > heights[0]) & (s < heights[1])

    def field(self, breath: Breath) -> DisplacementField:
        """From now to the CT."""
        goes = self._up if breath.superior_mm > 0 else self._down
        velocity = goes[..., None] * self._organ_velocity(breath)
        chest = (1 - goes) * self._front
        angle = np.deg2rad(breath.ribs_deg)
        arm = self._points - self._spine_ras
        velocity[..., 1] += chest * angle * arm[..., 1] * 0.6
        velocity[..., 2] += chest * angle * arm[..., 1] * 0.6
        velocity += self._free_form(breath, goes)
        return _exponential(DisplacementField(-velocity.astype(np.float32), self.ct.ijk_to_ras))

    def _organ_velocity(self, breath: Breath) -> Array:
        shift = np.array([breath.right_mm, breath.anterior_mm, breath.superior_mm])
        arm = self._points - self._middle
        tilt = np.deg2rad(breath.tilt_deg)
        turned = np.stack([np.zeros(arm.shape[:3]), -tilt * arm[..., 2], tilt * arm[..., 1]], axis=-1)
        near = np.exp(-np.square(arm / 110.0).sum(axis=-1))[..., None]
        return shift + near * turned

    def _free_form(self, breath: Breath, goes: Array) -> Array:
        """Cubic B-splines of random control points."""
        rng = np.random.default_rng(breath.seed)
        shape = goes.shape
        coarse = tuple(int(np.ceil(n * GRID_MM / LATTICE_MM)) + 3 for n in shape)
        points = rng.normal(0, breath.free_form_mm, (3, *coarse))
        at = np.stack(np.indices(shape)) * GRID_MM / LATTICE_MM + 1
        parts = [ndimage.map_coordinates(p, at, order=3, prefilter=False, mode="nearest") for p in points]
        softly = 0.2 + 0.8 * goes[..., None]
        return 1.8 * softly * np.stack(parts, axis=-1)  # 1.8: B-splines of independent points are that much smaller


def _ends_in_lung(lung: NDArray[np.bool_]) -> bool:
    """Whether the CT was cut off there, and not at the lungs' apex, where there is little more than the windpipe."""
    areas = lung.sum(axis=(1, 2))
    return bool(areas[-2:].max() > 0.2 * max(areas.max(), 1))


def _swept(region: NDArray[np.bool_], reach_mm: float) -> NDArray[np.bool_]:
    """Where the region comes on its way up (or down, below 0): there it is to move as a whole."""
    swept = region.copy()
    for step in range(1, int(abs(reach_mm) / GRID_MM) + 1):
        if reach_mm > 0:
            swept[step:] |= region[:-step]
        else:
            swept[:-step] |= region[step:]
    return swept


def _membrane(stiffness: Array, held: NDArray[np.bool_], driven: NDArray[np.bool_]) -> Array:
    """The solution of div(stiffness grad w) = 0 with w = 0 where held, 1 where driven, (k, j, i)."""
    number = np.arange(stiffness.size).reshape(stiffness.shape)
    rows, columns, values = [], [], []
    for axis in range(3):
        low, high = (
            np.take(number, range(*ends), axis) for ends in ((0, number.shape[axis] - 1), (1, number.shape[axis]))
        )
        a, b = stiffness.ravel()[low.ravel()], stiffness.ravel()[high.ravel()]
        between = 2 * a * b / (a + b)
        rows += [low.ravel(), high.ravel()]
        columns += [high.ravel(), low.ravel()]
        values += [between, between]
    links = sparse.csr_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))))
    matrix = sparse.diags(np.asarray(links.sum(axis=1)).ravel()) - links
    free = ~(held | driven).ravel()
    right = -matrix[free][:, driven.ravel()].sum(axis=1)
    inner = matrix[free][:, free].tocsr()
    scale = sparse.diags(1 / inner.diagonal())
    solution, failed = cg(inner, np.asarray(right).ravel(), M=scale, rtol=1e-4, maxiter=2000)
    assert failed == 0, "the membrane did not settle"
    result = driven.astype(float).ravel()
    result[free] = solution
    return ndimage.gaussian_filter(result.reshape(stiffness.shape), 0.7)


def _exponential(velocity: DisplacementField) -> DisplacementField:
    """The flow of a stationary velocity after time 1, by scaling and squaring."""
    field = DisplacementField(velocity.vectors_mm / 2**HALVINGS, velocity.ijk_to_ras)
    for _ in range(HALVINGS):
        field = field.composed(field)
    return field
