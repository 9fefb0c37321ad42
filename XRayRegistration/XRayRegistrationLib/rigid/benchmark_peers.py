"""Other registrations of the same CT to the same films from the same start, for the benchmark: whatever is installed.

Each is limited in time: DiffDRR to films of half the resolution, ADAM_STEPS steps and ADAM_SECONDS, ITK to
POWELL_ROUNDS rounds of line searches.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
import time
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from XRayLib.ct import Volume
from XRayLib.geometry import to_diffdrr
from XRayLib.geometry.lps import LPS_TO_RAS
from XRayLib.projector.benchmark_peers import diffdrr_module
from XRayLib.radiograph import Radiograph

Matrix = NDArray[np.float64]

ADAM_STEPS, ADAM_SECONDS = 150, 90.0
MARCHING_SAMPLES = 250
"""Per ray: about one for each 3 mm."""
ADAM_ROTATION_RAD, ADAM_TRANSLATION_MM = 1e-2, 1.0
"""Learning rates for starts some degrees and 10 mm off."""
GOOD_ENOUGH_NCC = 0.999

POWELL_ROUNDS = 10
POWELL_STEP, POWELL_STEP_TOLERANCE, POWELL_VALUE_TOLERANCE = 4.0, 0.02, 1e-4
"""Steps in mm and degrees, as in the module's own example."""


@dataclass(frozen=True)
class RegistrationPeer:
    """Another program's registration. ``register(films, ct mu, start)`` returns ct_to_world (4, 4)."""

    name: str
    views: int
    """How many films it takes at once."""
    register: Callable[[Sequence[Radiograph], Volume, Matrix], Matrix]


def installed_registration_peers(threads: int) -> list[RegistrationPeer]:
    """Every peer whose package can be imported, limited to ``threads``."""
    known: list[tuple[str, tuple[str, ...], int, Callable[..., Matrix]]] = [
        ("diffdrr", ("torch", "torchio", "diffdrr.drr"), 1, register_with_diffdrr),
        ("itk-twoprojectionregistration", ("itk",), 2, register_with_itk),
    ]
    peers = []
    for package, modules, views, register in known:
        try:
            name = f"{package} {importlib.metadata.version(package)}"
            for module in modules:
                importlib.import_module(module)
        except ImportError:  # PackageNotFoundError is one
            continue
        peers.append(RegistrationPeer(name, views, register))
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)
    if "itk" in sys.modules:
        sys.modules["itk"].MultiThreaderBase.SetGlobalDefaultNumberOfThreads(threads)
    return peers


def register_with_diffdrr(films: Sequence[Radiograph], volume_mu: Volume, start: Matrix) -> Matrix:
    """DiffDRR's ``Registration`` of one film, as in its tutorial: Adam on the correlation, its trilinear renderer."""
    torch = importlib.import_module("torch")
    transform_type = importlib.import_module("diffdrr.pose").RigidTransform
    film = _halved(films[0])
    seen = film.geometry.moved(start)
    pose = transform_type(torch.tensor(to_diffdrr(seen).pose, dtype=torch.float32))
    rotation, translation = pose.convert("euler_angles", "ZXY")
    with _without_timm():
        registration_type = importlib.import_module("diffdrr.registration").Registration
    drr = diffdrr_module(volume_mu, seen, renderer="trilinear")
    registration = registration_type(drr, rotation, translation, parameterization="euler_angles", convention="ZXY")
    adam = torch.optim.Adam(
        [
            {"params": [registration._rotation], "lr": ADAM_ROTATION_RAD},
            {"params": [registration._translation], "lr": ADAM_TRANSLATION_MM},
        ],
        maximize=True,
    )
    target = _standardised(torch.from_numpy(film.line_integral))
    began = time.perf_counter()
    for _ in range(ADAM_STEPS):
        adam.zero_grad()
        image = registration(n_points=MARCHING_SAMPLES)[0, 0]
        correlation = (target * _standardised(image)).mean()  # diffdrr.metrics would need torchvision
        correlation.backward()
        adam.step()
        if correlation.item() > GOOD_ENOUGH_NCC or time.perf_counter() - began > ADAM_SECONDS:
            break
    found = registration.pose.matrix[0].detach().numpy().astype(float)
    return to_diffdrr(film.geometry).pose @ np.linalg.inv(found)


def _halved(film: Radiograph) -> Radiograph:
    """Every two by two pixels as one."""
    columns, rows = (n // 2 for n in film.geometry.size_px)
    image = film.line_integral[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2).mean(axis=(1, 3))
    whole = film.geometry.cropped(0, 0, (2 * columns, 2 * rows))
    return Radiograph(image, whole.resampled((columns, rows)), calibrated=film.calibrated)


def _standardised(image: Any) -> Any:
    return (image - image.mean()) / image.std(correction=0)


@contextmanager
def _without_timm() -> Iterator[None]:
    """``diffdrr.registration`` imports timm for its pose network, which the registration does not need."""
    missing = "timm" not in sys.modules
    if missing:
        sys.modules["timm"] = types.ModuleType("timm")
    try:
        yield
    finally:
        if missing:
            del sys.modules["timm"]


def register_with_itk(films: Sequence[Radiograph], volume_mu: Volume, start: Matrix) -> Matrix:
    """ITK's TwoProjectionRegistration: Powell on the correlation of two Siddon-Jacobs projections.

    Jian Wu, "ITK-based implementation of two-projection 2D/3D registration method with an application in patient setup
    for external beam radiotherapy", Insight Journal, 2010. The films must be those of a gantry: secondary angle 0,
    isocentre at the origin, central ray through the middle, and the CT's axes along R, A and S.

    Its CT has the corner of its first voxel at the origin and turns about the transform's centre, which lies in the
    isocentre. At gantry angle 0 the source is anterior; films are images in the plane of the isocentre, columns to the
    patient's left and rows to the head when seen from the source.
    """
    itk = importlib.import_module("itk")
    from scipy.spatial.transform import Rotation

    image_type = itk.Image[itk.F, 3]
    spacing, size = np.array(volume_mu.spacing_mm), np.array(volume_mu.voxels.shape[::-1])
    moving = itk.image_from_array(np.ascontiguousarray(volume_mu.voxels[:, ::-1, ::-1]))
    moving.SetSpacing(spacing.tolist())
    transform = itk.Euler3DTransform[itk.D].New()
    transform.SetComputeZYX(True)
    transform.SetCenter((size * spacing / 2).tolist())
    method = itk.TwoProjectionImageRegistrationMethod[image_type, image_type].New()
    for number, film in enumerate(films, start=1):
        fixed = _in_isocentre_plane(itk, film)
        rays = itk.SiddonJacobsRayCastInterpolateImageFunction[image_type, itk.D].New()
        rays.SetProjectionAngle(float(np.deg2rad(film.geometry.primary_angle_deg + 180)))
        rays.SetFocalPointToIsocenterDistance(film.geometry.source_to_isocenter_mm)
        rays.SetThreshold(0.0)
        rays.SetTransform(transform)
        rays.Initialize()
        getattr(method, f"SetFixedImage{number}")(fixed)
        getattr(method, f"SetFixedImageRegion{number}")(fixed.GetBufferedRegion())
        getattr(method, f"SetInterpolator{number}")(rays)
    optimizer = itk.PowellOptimizer.New()
    optimizer.SetMaximize(False)
    optimizer.SetMaximumIteration(POWELL_ROUNDS)
    optimizer.SetStepLength(POWELL_STEP)
    optimizer.SetStepTolerance(POWELL_STEP_TOLERANCE)
    optimizer.SetValueTolerance(POWELL_VALUE_TOLERANCE)
    optimizer.SetScales(itk.OptimizerParameters[itk.D]([180 / np.pi] * 3 + [1.0] * 3))
    method.SetMetric(itk.NormalizedCorrelationTwoImageToOneImageMetric[image_type, image_type].New())
    method.SetOptimizer(optimizer)
    method.SetTransform(transform)
    method.SetMovingImage(moving)
    middle = volume_mu.center_ras_mm
    start_lps = LPS_TO_RAS @ start @ LPS_TO_RAS
    angles = Rotation.from_matrix(start_lps[:3, :3]).as_euler("xyz")
    shift = (LPS_TO_RAS @ start @ [*middle, 1.0])[:3]
    method.SetInitialTransformParameters(itk.OptimizerParameters[itk.D]([*angles.tolist(), *shift.tolist()]))
    method.StartRegistration()
    found = np.array(list(method.GetLastTransformParameters()))
    pose = np.eye(4)
    pose[:3, :3] = LPS_TO_RAS[:3, :3] @ Rotation.from_euler("xyz", found[:3]).as_matrix() @ LPS_TO_RAS[:3, :3]
    pose[:3, 3] = LPS_TO_RAS[:3, :3] @ found[3:] - pose[:3, :3] @ middle
    return pose


def _in_isocentre_plane(itk: Any, film: Radiograph) -> Any:
    """The film shrunk to the isocentre's plane, its first pixel at the patient's right and the feet."""
    geometry = film.geometry
    shrink = geometry.source_to_isocenter_mm / geometry.source_to_detector_mm
    row_mm, column_mm = (spacing * shrink for spacing in geometry.pixel_spacing_mm)
    columns, rows = geometry.size_px
    image = itk.image_from_array(np.ascontiguousarray(film.line_integral[None, ::-1, ::-1]))
    image.SetSpacing([column_mm, row_mm, 1.0])
    image.SetOrigin([-column_mm * (columns - 1) / 2, -row_mm * (rows - 1) / 2, -geometry.source_to_isocenter_mm])
    return image
