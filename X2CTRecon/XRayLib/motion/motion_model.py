"""One patient who breathes: CT and organ deformed together, as often as training asks for it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from XRayLib.case import SurfaceMesh
from XRayLib.ct import Volume, resample_isotropic
from XRayLib.errors import InputError
from XRayLib.metrics.mesh_solid import voxels_inside
from XRayLib.motion.deformation_modes import DeformationModes, deformation_modes
from XRayLib.motion.displacement_field import DisplacementField
from XRayLib.motion.lattice import Lattice
from XRayLib.motion.motion_parameters import MotionParameters, MotionRange
from XRayLib.motion.organ_shift import OrganShift
from XRayLib.motion.slow_deformation import SlowDeformation, slow_deformation
from XRayLib.motion.thorax import thorax_of
from XRayLib.motion.wall_motion import WallMotion

GRID_MM = 4.0
WALL_CELLS_PER_VOXEL = 0.25
"""The wall's motion is smooth: a grid four times as coarse holds it."""
ELSEWHERE_WEIGHT = 0.25
ORGAN_REACH_MM = 70.0
"""The random deformation falls from the organ to ELSEWHERE_WEIGHT of its size over about this distance."""

FIRM_REACH_MM = 20.0
"""Distance from the organ at which a little more than a third of its firmness is left."""

DRAWS = 20
ORGAN_SAMPLES = 400
LARGEST_WALL_MM = 28.0
"""The wall's motion and the random deformation together lead no farther than this."""
SMOOTHER_MM = (22.0, 30.0, 40.0, 55.0)
"""The wall on which things slide is smoothed over more and more of it, until the largest motions do not fold."""


@dataclass(frozen=True, eq=False)
class MotionState:
    """The patient in one breath: ``field`` leads from now to the CT, ``organ`` is the mesh where it is now, CT RAS."""

    parameters: MotionParameters
    field: DisplacementField
    organ: SurfaceMesh


class MotionModel:
    """Breathing and random deformation of one patient's CT (HU) and organ.

    Parameters
    ----------
    ct : the planning CT in HU.
    organ : closed surface in CT RAS mm, where it is in the CT.
    spacing_mm : voxel size of ``ct`` and of the fields from here on.
    ranges : from where ``random_state`` draws; an organ that is a lung has no shift or turn of its own.

    Raises
    ------
    InputError
        When the CT holds no body, or the organ is not closed or lies outside of it.
    """

    def __init__(
        self, ct: Volume, organ: SurfaceMesh, *, spacing_mm: float = GRID_MM, ranges: MotionRange | None = None
    ) -> None:
        self.ct = resample_isotropic(ct, spacing_mm)
        self.organ = organ
        self.thorax = thorax_of(self.ct, organ)
        drawn = ranges or MotionRange()
        self.ranges = drawn.of_a_lung() if self.thorax.organ_is_lung else drawn
        self._prepare()
        for smooth_mm in SMOOTHER_MM:
            if not any(self.field(parameters).folding_fraction() for parameters in self._extremes()):
                break
            self.thorax = thorax_of(self.ct, organ, smooth_mm)
            self._prepare()

    def _prepare(self) -> None:
        organ, spacing_mm = self.organ, self.ct.spacing_mm[0]
        origin = self.ct.ijk_to_ras[:3, 3]
        coarse_mm = spacing_mm / WALL_CELLS_PER_VOXEL
        sizes = [int(np.ceil((n - 1) * WALL_CELLS_PER_VOXEL)) + 1 for n in self.ct.voxels.shape[::-1]]
        axes = [origin[n] + coarse_mm * np.arange(max(2, size)) for n, size in enumerate(sizes)]
        s, a, r = np.meshgrid(*axes[::-1], indexing="ij")
        self._wall = WallMotion(self.thorax, np.stack([r, a, s], axis=-1))
        self._lattice = Lattice(origin, (axes[0], axes[1], axes[2]))
        self._lattice_weights = _near(self._lattice.points_ras_mm, np.asarray(organ.points))
        middle = np.asarray(organ.points)[:, 1].mean()
        depth = self.thorax.high_ras_mm[1] - self.thorax.spine_a_mm
        rows = origin[1] + spacing_mm * np.arange(self.ct.voxels.shape[1])
        self._near = _dilated(self.thorax.cavity.share > 0, LARGEST_WALL_MM / spacing_mm)
        inside = voxels_inside(organ, self.ct.voxels.shape, origin, spacing_mm)
        self._organ_voxels = tuple(np.argwhere(inside)[:: max(1, int(inside.sum()) // ORGAN_SAMPLES)].T)
        self._behind = np.clip((middle - rows) / max(depth / 2, 1.0), -1.5, 1.5)
        points = np.stack([r, a, s], axis=-1)
        self._organ_distance_mm = _distance(inside, points.shape[:3]) * spacing_mm
        near_organ = np.exp(-((self._organ_distance_mm / FIRM_REACH_MM) ** 2))
        self._firm = np.maximum(near_organ, 1 - _averaged(self.thorax.cavity.share, points.shape[:3]))
        self._organ_shift = OrganShift(self._organ_distance_mm, points, np.asarray(organ.points).mean(axis=0))

    def _extremes(self) -> list[MotionParameters]:
        """The states most likely to fold: all the way down and up."""
        ranges = self.ranges
        wall = ("ribs_lateral_mm", "ribs_anterior_mm", "ribs_superior_mm", "belly_mm")
        return [
            MotionParameters(
                descent_mm=descent_mm,
                posterior_mm=ranges.posterior_mm.share[end] * descent_mm,
                lung_curve=ranges.lung_curve[end],
                **{name: ranges.coupled[name].share[1] * descent_mm for name in wall},
            )
            for descent_mm in ranges.descent_mm
            for end in (0, 1)
        ]

    def random_state(self, rng: np.random.Generator) -> MotionState:
        """A state drawn from ``ranges``; one that folds at the organ is no breath and is drawn again.

        Raises InputError when all of DRAWS fold.
        """
        for _ in range(DRAWS):
            with suppress(InputError):
                return self.state(self.random_parameters(rng))
        raise InputError("Breathing folds this anatomy: give a CT of the whole organ, or one with larger lungs.")

    def random_parameters(self, rng: np.random.Generator) -> MotionParameters:
        """What ``random_state`` draws."""
        scalars = self.ranges.scalars(rng)
        deviation_mm = float(rng.uniform(*self.ranges.deformation_mm))
        return MotionParameters(**scalars, control_points=self._lattice.drawn(deviation_mm, self._lattice_weights, rng))

    def state(self, parameters: MotionParameters) -> MotionState:
        """The state of these parameters."""
        field = self.field(parameters)
        return MotionState(parameters, field, self.moved_organ(field))

    def field(self, parameters: MotionParameters, slow_mm: NDArray[np.floating] | float = 0.0) -> DisplacementField:
        """From now to the CT, on the grid of ``ct``; ``slow_mm`` is added to the displacement of ``smooth_field``."""
        from XRayLib.motion.breathing import displacement_mm, sliding_mm

        spacing, cavity = self.ct.spacing_mm[0], self.thorax.cavity
        slide = sliding_mm(
            cavity.share,
            self.thorax.follows,
            cavity.radius_mm,
            self._organ_stretch_mm(parameters),
            parameters.descent_mm + parameters.posterior_mm * self._behind,
            parameters.lung_curve,
            cavity.axis_i,
            cavity.axis_j,
            spacing,
        )
        wall = self.smooth_field(parameters).vectors_mm + np.asarray(slow_mm, float)
        vectors = displacement_mm(slide, self._near, wall, WALL_CELLS_PER_VOXEL, spacing)
        return DisplacementField(vectors, self.ct.ijk_to_ras)

    def smooth_field(self, parameters: MotionParameters) -> DisplacementField:
        """The part of the motion that does not slide, on a coarser grid: of wall and organ, and the random one."""
        vectors = self._wall.displacement_mm(parameters) + self._organ_shift.displacement_mm(parameters)
        if parameters.control_points.size:
            vectors += self._lattice.displacement_mm(parameters.control_points)
        step = 1 / WALL_CELLS_PER_VOXEL
        return DisplacementField(vectors.astype(np.float32), self.ct.ijk_to_ras @ np.diag([step, step, step, 1.0]))

    def _organ_stretch_mm(self, parameters: MotionParameters) -> NDArray[np.float64]:
        """How much lower each height of the CT (k,) comes to lie so that the organ keeps its volume.

        What the wall squeezes across and what a narrower cavity squeezes is stretched along S. A lung keeps no volume.
        """
        heights = np.arange(len(self.ct.voxels), dtype=float)
        if self.thorax.organ_is_lung:
            return np.zeros_like(heights)
        spacing, radius = self.ct.spacing_mm[0], self.thorax.cavity.radius_mm
        k, j, i = self._organ_voxels
        now = np.clip(np.rint(k - parameters.descent_mm / spacing).astype(int), 0, len(radius) - 1)
        narrowed = 2 * np.log(radius[k, j, i] / radius[now, j, i]).mean()
        cells = tuple(np.rint(np.array(axis) * WALL_CELLS_PER_VOXEL).astype(int) for axis in (now, j, i))
        squeezed = self._wall.divergence(parameters, spacing / WALL_CELLS_PER_VOXEL)[cells].mean()
        return (1 - np.exp(narrowed + squeezed)) * spacing * (np.clip(heights, k.min(), k.max()) - k.mean())

    def moved_organ(self, field: DisplacementField) -> SurfaceMesh:
        """The organ where it is now; the same triangles, so that vertices correspond."""
        return SurfaceMesh(field.moved(self.organ.points), self.organ.triangles)

    def moved_ct(self, field: DisplacementField) -> Volume:
        """The CT as it would be now, on the grid of ``field``: what lies beyond its ends repeats its last slice, and
        lungs keep their mass, so that they brighten as they empty."""
        return field.warp(self.ct, extend=True, keep_mass=True)

    def slow_deformation(self, count: int) -> SlowDeformation:
        """Deformation that nothing foresees, on the grid of ``smooth_field``, by so many numbers."""
        spacing_mm = self.ct.spacing_mm[0] / WALL_CELLS_PER_VOXEL
        return slow_deformation(self._firm, spacing_mm, count)

    def modes(self, count: int, rng: np.random.Generator, *, states: int = 256) -> DeformationModes:
        """Principal components of ``states`` random states."""
        return deformation_modes(self, count, rng, states=states)


def _dilated(mask: NDArray[np.bool_], voxels: float) -> NDArray[np.bool_]:
    from scipy.ndimage import distance_transform_edt

    return distance_transform_edt(~mask) <= voxels


def _averaged(values: NDArray[np.float32], coarse_shape: tuple[int, ...]) -> NDArray[np.float64]:
    """On the coarser grid of the wall's motion, each voxel the mean about it."""
    from scipy.ndimage import uniform_filter

    return uniform_filter(np.asarray(values, float), round(1 / WALL_CELLS_PER_VOXEL), mode="nearest")[
        _coarse(values.shape, coarse_shape)
    ]


def _coarse(shape: tuple[int, ...], coarse_shape: tuple[int, ...]) -> tuple[NDArray[np.intp], ...]:
    """Where the voxels of the coarser grid of the wall's motion lie on the finer one, at most at its end."""
    step = round(1 / WALL_CELLS_PER_VOXEL)
    return np.ix_(*(np.minimum(step * np.arange(n), size - 1) for n, size in zip(coarse_shape, shape, strict=True)))


def _distance(mask: NDArray[np.bool_], coarse_shape: tuple[int, ...]) -> NDArray[np.float64]:
    """From the mask in voxels, on the coarser grid of the wall's motion."""
    from scipy.ndimage import distance_transform_edt

    return distance_transform_edt(~mask)[_coarse(mask.shape, coarse_shape)]


def _near(points: NDArray[np.float64], organ: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.spatial import cKDTree

    distance, _ = cKDTree(organ).query(points)
    return ELSEWHERE_WEIGHT + (1 - ELSEWHERE_WEIGHT) * np.exp(-((distance / ORGAN_REACH_MM) ** 2))
