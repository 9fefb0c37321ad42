"""What goes into a method and what comes out: the one path that widget, command line, batch and tests share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.geometry import isocenter_of
from XRayLib.radiograph import Radiograph

if TYPE_CHECKING:
    from XRayLib.metrics import DisplacementField


@dataclass(frozen=True)
class SurfaceMesh:
    """A triangle surface in RAS mm: ``points`` (N, 3) float64, ``triangles`` (M, 3) int, per-point ``scalars``."""

    points: NDArray[np.float64]
    triangles: NDArray[np.int64]
    scalars: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)


@dataclass(frozen=True)
class PointCloud:
    """Points of the patient that a network saw on the films: CT RAS mm (N, 3), standard deviation in mm (N,)."""

    points_ct_ras_mm: NDArray[np.float64]
    deviation_mm: NDArray[np.float64]


@dataclass(frozen=True)
class Landmarks:
    """The same anatomical points picked in the CT and on the films."""

    ct_ras_mm: NDArray[np.float64]
    """(points, 3), CT RAS."""
    pixels: NDArray[np.float64]
    """(views, points, 2) as (column, row), NaN where a point was not picked on a view."""
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Case:
    """One patient's input. ``mesh``: an organ in CT RAS. ``initial_ct_to_world``: a 4x4 rigid guess, None: identity."""

    radiographs: tuple[Radiograph, ...]
    ct: Volume | None = None
    mesh: SurfaceMesh | None = None
    initial_ct_to_world: NDArray[np.float64] | None = None
    body_part: str = ""
    landmarks: Landmarks | None = None
    labels: Volume | None = None
    """Bones and organs of the CT (quantity "label", numbers of XRayLib.phantom.labels), where they are known."""
    middle_ras_mm: NDArray[np.float64] | None = None
    """The imaged anatomy's middle (3,), where more is known of it than that the films' central rays meet there."""

    @property
    def isocenter_ras_mm(self) -> NDArray[np.float64]:
        """The middle of what is reconstructed, (3,)."""
        if self.middle_ras_mm is not None:
            return self.middle_ras_mm
        return isocenter_of([radiograph.geometry for radiograph in self.radiographs])


OF_EVERY_METHOD = frozenset({"consistent", "style_transfer"})
"""Keys of ``Options.extra``."""


@dataclass(frozen=True)
class Options:
    """How to run. ``device``: auto, cpu or cuda. ``bundle``: id of a model bundle, empty for the method's default."""

    device: str = "auto"
    bundle: str = ""
    seed: int = 0
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, Any]:
        """Those in ``extra`` that are the method's own, and not a choice there is for every method."""
        return {name: value for name, value in self.extra.items() if name not in OF_EVERY_METHOD}

    def flag(self, name: str, default: bool = False) -> bool:
        """That of ``extra``; InputError when it is neither true nor false."""
        value = self.extra.get(name, default)
        if not isinstance(value, bool):
            raise InputError(f"The option '{name}' must be true or false.")
        return value

    def without(self, name: str) -> Options:
        """The same options but for this one of ``extra``."""
        return replace(self, extra={key: value for key, value in self.extra.items() if key != name})


@dataclass(frozen=True)
class View:
    """One input view beside what the result projects to, on the radiograph's own pixel grid."""

    radiograph: Radiograph
    reprojection: NDArray[np.float32]
    """(rows, columns) line integrals of the result in the view's geometry."""
    fitted_gain_offset: tuple[float, float] = (1.0, 0.0)
    """film ~ gain * reprojection + offset, least squares under the mask; (1, 0) expected for calibrated input."""
    residual: float = float("nan")
    """Relative L2 of (film - fitted reprojection) under the mask, against the film's deviation from its mean."""


@dataclass(frozen=True)
class PoseQuality:
    """How sure a registration is of its pose, and whether it stands by it."""

    covariance_mm_rad: NDArray[np.float64]
    """(6, 6) of the pose's error as a small motion of the CT in the world about the CT's middle where it is now:
    translation R, A, S (mm), then rotation about R, A, S (rad)."""
    confidence: float
    """Calibrated probability that the mean target registration error is below 2 mm (several views) or 5 mm (one)."""
    accepted: bool
    reason: str = ""
    """One sentence why the result is refused and what to do; empty when accepted."""
    similarity: Mapping[str, float] = field(default_factory=dict)
    """Named similarities at the final pose, 1 is a perfect match."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Time of each stage."""
    initial_ct_to_world: NDArray[np.float64] | None = None
    """The pose the refinement started from."""


@dataclass(frozen=True)
class Result:
    """What a method returns, with how it came about and how far it can be trusted."""

    method: str
    volume: Volume | None = None
    uncertainty: Volume | None = None
    """Standard deviations: of a volume in HU ("HU_sd"), of a deformation's points in mm ("displacement_sd_mm")."""
    labels: Volume | None = None
    """Tissues of the volume (quantity "label", numbers of XRayLib.ct.tissue_labels), over the same region."""
    mesh: SurfaceMesh | None = None
    ct_to_world: NDArray[np.float64] | None = None
    """Of a deformation its rigid part, which comes after it."""
    deformation: DisplacementField | None = None
    """In CT RAS, before ``ct_to_world``: a point p of the anatomy as it is now, brought back by the inverse of
    ``ct_to_world``, is the CT's point p + u(p)."""
    pose_quality: PoseQuality | None = None
    point_cloud: PointCloud | None = None
    views: tuple[View, ...] = ()
    quality: Mapping[str, float] = field(default_factory=dict)
    """Named numbers, e.g. "reprojection_residual"."""
    warnings: tuple[str, ...] = ()
    """Sentences for the user: assumptions, what cannot be known, what looks wrong."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """JSON values that make the run reproducible: method, bundle SHA-256, versions, options, geometry, seconds."""
