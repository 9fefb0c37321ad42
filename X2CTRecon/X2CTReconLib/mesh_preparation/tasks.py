"""The trainings of the mesh networks: what each is, what it minimises."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from XRayLib.motion import DeformationModes, MotionModel
from XRayLib.preparation.motion_films import MotionFilm, MotionFilms, OrganWindow
from XRayLib.preparation.motion_settings import MotionPreparationSettings
from XRayLib.preparation.task import Batch, BundleDescription, Films, Task, as_tensor

from X2CTReconLib.mesh_networks import losses
from X2CTReconLib.mesh_networks.igcn import IgcnNetwork
from X2CTReconLib.mesh_networks.igcn_plus import IgcnPlusNetwork
from X2CTReconLib.mesh_networks.layers import NeighbourMean
from X2CTReconLib.mesh_networks.lung_shape import LungShapeNetwork
from X2CTReconLib.mesh_networks.network import UNIT_MM, Answer, MeshNetwork
from X2CTReconLib.mesh_networks.organ_mesh import OrganMeshNetwork
from X2CTReconLib.mesh_networks.perspective import camera_axes
from X2CTReconLib.mesh_networks.pixel2mesh import Pixel2MeshNetwork, SurfaceLevels, surface_levels
from X2CTReconLib.mesh_networks.template import OrganTemplate
from X2CTReconLib.mesh_networks.xray2shape import Xray2ShapeNetwork
from X2CTReconLib.mesh_preparation.bundle_text import bundle_description

Matrix = NDArray[np.float64]

IGCN_MAPPING, IGCN_LAPLACIAN = 10.0, 1.0
"""As published (MICCAI 2021), beside the position's 1."""
P2M_NORMAL, P2M_LAPLACIAN, P2M_EDGE, P2M_BOUND = 1.6e-4, 0.3, 0.1, 1e-3
"""As published (ECCV 2018): times the Chamfer distance's 1; BOUND keeps the first block from jumping."""
P2M_UNIT_MM = 100.0
NLL_SHARE, BY_MODES_SHARE, SMOOTH_SHARE, VOLUME_SHARE = 0.05, 0.5, 1.0, 0.1


class MeshTask(Task):
    """Films of the moving patient; ``target`` of a batch (N, V, 3) is the true displacement of the template, mm RAS."""

    inputs = ("contrasts", "ras_to_pixel")
    defaults: ClassVar[Mapping[str, float]] = {"width": 8, "batch": 8, "learning_rate": 2e-3}

    def __init__(
        self, motion: MotionModel, window: OrganWindow, modes: DeformationModes, settings: MotionPreparationSettings
    ) -> None:
        super().__init__(window, settings)
        self.motion, self.modes, self._motion_settings = motion, modes, settings
        self.template = organ_template_of(motion, window, modes)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Of the exported graph."""
        return self.network_type.outputs

    @property
    @abstractmethod
    def network_type(self) -> type[MeshNetwork]:
        """The network's class."""

    @abstractmethod
    def objective(self, found: Answer, batch: Batch) -> Tensor:
        """What is minimised."""

    def films(self) -> Films:
        """Of the patient in motion."""
        return MotionFilms(self.motion, self.patient, self._motion_settings)

    def network(self) -> nn.Module:
        """A fresh one."""
        return self.network_type(self.template, self.settings.input_px, self.settings.width)

    def batch(self, films: Sequence[MotionFilm]) -> Batch:
        """Films, cameras about the organ's middle, and the displacement of every vertex."""
        return {
            "contrasts": as_tensor([film.contrasts for film in films]),
            "ras_to_pixel": as_tensor(
                [centred(film.geometry.ras_to_pixel, self.patient.middle_ras_mm) for film in films]
            ),
            "target": as_tensor([film.organ_ras_mm - self.motion.organ.points for film in films]),
        }

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, float]:
        """The objective; the mean distance of the vertices from the truth (nearest ones without correspondence)."""
        found = network.answer(batch["contrasts"], batch["ras_to_pixel"])
        with torch.no_grad():
            error = self.error_mm(found, batch)
        return self.objective(found, batch), float(error)

    def error_mm(self, found: Answer, batch: Batch) -> Tensor:
        """Mean vertex distance."""
        return losses.distance(found["displacement"], batch["target"])

    def description(self) -> BundleDescription:
        """See ``bundle_text.py``."""
        start, triangles = self.surface
        return bundle_description(self, start + self.patient.middle_ras_mm, triangles)

    @property
    def surface(self) -> tuple[Matrix, NDArray[np.int64]]:
        """What the network displaces: points about the organ's middle, triangles."""
        return self.template.points, self.template.triangles

    @cached_property
    def _mean(self) -> NeighbourMean:
        return NeighbourMean(self.template.graph)

    def _smoothness(self, displacement: Tensor) -> Tensor:
        return losses.laplacian(displacement, self._mean.to(displacement.device))


class IgcnTask(MeshTask):
    """IGCN: position + 10 mapping + 1 Laplacian."""

    what = "igcn"
    network_type = IgcnNetwork

    def objective(self, found: Answer, batch: Batch) -> Tensor:
        """The mapping's truth is where the vertices' projections go, at the organ's depth."""
        position, target = found["displacement"] / UNIT_MM, batch["target"] / UNIT_MM
        true_mapping = torch.matmul(target, camera_axes(batch["ras_to_pixel"]).transpose(1, 2))
        mapping = losses.squared_distance(found["mapping"], true_mapping[..., : found["mapping"].shape[2]])
        smooth = self._smoothness(position - target)
        return losses.squared_distance(position, target) + IGCN_MAPPING * mapping + IGCN_LAPLACIAN * smooth


class IgcnPlusTask(IgcnTask):
    """IGCN+: the same losses, on a map in space."""

    what = "igcn-plus"
    network_type = IgcnPlusNetwork


class Xray2ShapeTask(MeshTask):
    """X-ray2Shape: squared vertex distance, Laplacian and edges."""

    what = "xray2shape"
    network_type = Xray2ShapeNetwork

    def objective(self, found: Answer, batch: Batch) -> Tensor:
        """The weights of Laplacian and edges are those of Pixel2Mesh."""
        position, target = found["displacement"] / UNIT_MM, batch["target"] / UNIT_MM
        edges = torch.from_numpy(self.template.graph.edges).to(position.device)
        return (
            losses.squared_distance(position, target)
            + P2M_LAPLACIAN * self._smoothness(position - target)
            + P2M_EDGE * losses.edge_change(position, target, edges)
        )


class LungShapeTask(MeshTask):
    """Wu et al.: the coefficients of the deformation model."""

    what = "lung-shape"
    network_type = LungShapeNetwork

    def objective(self, found: Answer, batch: Batch) -> Tensor:
        """Squared vertex distance: squared errors of the coefficients, each by what its mode moves."""
        return losses.squared_distance(found["displacement"] / UNIT_MM, batch["target"] / UNIT_MM)


class Pixel2MeshTask(MeshTask):
    """Pixel2Mesh: Chamfer, normal, Laplacian and edge losses after each block."""

    what = "pixel2mesh"
    network_type = Pixel2MeshNetwork

    def objective(self, found: Answer, batch: Batch) -> Tensor:
        """Units of 100 mm for the surface losses, times the square of the scale so that gradients are about 1."""
        true = self._true_points(batch)
        triangles = torch.from_numpy(self.template.triangles).to(true.device)
        normals = losses.vertex_normals(true, triangles)
        total = torch.zeros((), device=true.device)
        for number, (graph, mean) in enumerate(zip(self._levels.graphs, self._means, strict=True), 1):
            points = found[f"level_{number}"] / P2M_UNIT_MM
            first = self._start(points.device)[:, : points.shape[1]] / P2M_UNIT_MM
            edges = torch.from_numpy(graph.edges).to(points.device)
            moved = points - first
            pairs = losses.nearest(points, true)
            total = total + losses.chamfer(points, true, pairs) + P2M_EDGE * losses.edge_change(points, first, edges)
            total = total + P2M_NORMAL * losses.normal(points, edges, losses.chosen(normals, pairs[0]))
            total = total + P2M_LAPLACIAN * losses.laplacian(moved, mean.to(points.device))
        return total * (P2M_UNIT_MM / UNIT_MM) ** 2

    def error_mm(self, found: Answer, batch: Batch) -> Tensor:
        """Mean distance to the nearest vertex of the other surface, both ways, of the vertices of the second block,
        which are about as many as the template's."""
        few = len(self._levels.graphs[1].neighbours)
        points = (self._start(batch["target"].device) + found["displacement"])[:, :few]
        between = torch.cdist(points, self._true_points(batch) * P2M_UNIT_MM)
        return (between.amin(dim=1).mean() + between.amin(dim=2).mean()) / 2

    @property
    def surface(self) -> tuple[Matrix, NDArray[np.int64]]:
        """The finest."""
        return self._levels.points, self._levels.triangles[-1]

    def _true_points(self, batch: Batch) -> Tensor:
        start = as_tensor(self.template.points).to(batch["target"].device)
        return (start + batch["target"]) / P2M_UNIT_MM

    @cached_property
    def _means(self) -> tuple[NeighbourMean, ...]:
        return tuple(NeighbourMean(graph) for graph in self._levels.graphs)

    @cached_property
    def _levels(self) -> SurfaceLevels:
        return surface_levels(self.template)

    def _start(self, device: torch.device) -> Tensor:
        return as_tensor(self._levels.points)[None].to(device)


class OrganMeshTask(MeshTask):
    """Ours: distance in mm, of the modes alone too; smoothness, volume, and the likelihood of the deviations."""

    what = "organ-mesh"
    network_type = OrganMeshNetwork

    def objective(self, found: Answer, batch: Batch) -> Tensor:
        """Gradients of the likelihood reach the deviations alone: a sure vertex must not outweigh the others."""
        error = found["displacement"] - batch["target"]
        along_camera = torch.matmul(error, camera_axes(batch["ras_to_pixel"]).transpose(1, 2))
        start = as_tensor(self.template.points).to(error.device)
        triangles = torch.from_numpy(self.template.triangles).to(error.device)
        true_volume = losses.volume_of((start + batch["target"]) / UNIT_MM, triangles)
        volume = losses.volume_of((start + found["displacement"]) / UNIT_MM, triangles)
        return (
            losses.distance(found["displacement"], batch["target"]) / UNIT_MM
            + BY_MODES_SHARE * losses.distance(found["by_modes"], batch["target"]) / UNIT_MM
            + SMOOTH_SHARE * self._smoothness(error / UNIT_MM)
            + VOLUME_SHARE * ((volume / true_volume - 1) ** 2).mean()
            + NLL_SHARE * losses.gaussian_nll(along_camera, found["log_deviation"])
        )


TASKS: dict[str, type[MeshTask]] = {
    task.what: task for task in (IgcnTask, IgcnPlusTask, Xray2ShapeTask, Pixel2MeshTask, LungShapeTask, OrganMeshTask)
}


def organ_template_of(motion: MotionModel, window: OrganWindow, modes: DeformationModes) -> OrganTemplate:
    """The organ about the window's middle, with the modes of its motion."""
    return OrganTemplate(
        points=np.asarray(motion.organ.points, float) - window.middle_ras_mm,
        triangles=np.asarray(motion.organ.triangles, np.int64),
        middle_ras_mm=window.middle_ras_mm,
        mean=np.asarray(modes.organ_mean_mm, float),
        modes=np.asarray(modes.organ_modes_mm, float),
    )


def centred(ras_to_pixel: Matrix, middle_ras_mm: Matrix) -> Matrix:
    """The 3x4 matrix for points about the organ's middle."""
    matrix = np.array(ras_to_pixel, float)
    matrix[:, 3] += matrix[:, :3] @ middle_ras_mm
    return matrix
