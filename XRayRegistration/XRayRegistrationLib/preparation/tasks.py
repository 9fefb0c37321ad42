"""The two trainings: which network, what it is shown, what is right."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from XRayRegistrationLib.learned.camera_frame import world_to_camera
from XRayRegistrationLib.preparation.anatomy import Anatomy
from XRayRegistrationLib.preparation.film_stream import TrainingFilm
from XRayRegistrationLib.preparation.pose_network import PoseNetwork, pose_loss_mm
from XRayRegistrationLib.preparation.scene_coordinate_network import (
    SCENE_UNIT_MM,
    SceneCoordinateNetwork,
    scene_coordinate_loss,
    split_prediction,
)
from XRayRegistrationLib.preparation.scene_points import scene_points
from XRayRegistrationLib.preparation.settings import PreparationSettings

Batch = dict[str, Tensor]


class Task(ABC):
    """One kind of preparation. ``inputs`` names what the network takes, in order, out of a batch."""

    what: ClassVar[str]
    defaults: ClassVar[Mapping[str, float]]
    """Width, batch and learning rate with which a processor core learns most per minute."""
    inputs: ClassVar[tuple[str, ...]]
    outputs: ClassVar[tuple[str, ...]]

    def __init__(self, anatomy: Anatomy, settings: PreparationSettings) -> None:
        self.anatomy, self.settings = anatomy, settings

    @abstractmethod
    def network(self) -> nn.Module:
        """A fresh network."""

    @abstractmethod
    def batch(self, films: Sequence[TrainingFilm]) -> Batch:
        """Inputs and truth of these films as tensors."""

    @abstractmethod
    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, float]:
        """The loss, and an error in mm for people."""


class PoseTask(Task):
    """Pose regression."""

    what = "pose-regression"
    defaults: ClassVar[Mapping[str, float]] = {"width": 16, "batch": 32, "learning_rate": 2e-3}
    inputs = ("contrasts", "nominal_rotation", "camera")
    outputs = ("rotation", "translation")

    def network(self) -> nn.Module:
        """PoseNetwork about the body's middle."""
        return PoseNetwork(self.settings.width, self.settings.input_px, self.anatomy.middle_ras_mm.tolist())

    def batch(self, films: Sequence[TrainingFilm]) -> Batch:
        """What ``PoseNetwork`` takes, and ``rotation`` and ``translation`` of the CT in front of the camera."""
        cameras, poses = zip(*(world_to_camera(film.geometry) for film in films), strict=True)
        told = [
            [matrix[0, 0], matrix[0, 2], matrix[1, 2], film.assumed_depth_mm]
            for matrix, film in zip(cameras, films, strict=True)
        ]
        return {
            "contrasts": _tensor([film.contrasts for film in films]),
            "nominal_rotation": _tensor([film.nominal_rotation for film in films]),
            "camera": _tensor(told),
            "rotation": _tensor([pose[:3, :3] for pose in poses]),
            "translation": _tensor([pose[:3, 3] for pose in poses]),
        }

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, float]:
        """Mean distance of the corners of the body's box, in space and across the beam."""
        rotation, translation = network(*(batch[name] for name in self.inputs))
        points = _tensor(self.anatomy.corners_ras_mm).to(rotation.device)
        loss = pose_loss_mm(rotation, translation, batch["rotation"], batch["translation"], points)
        # In units of the window, so that the learning rate fits patients of any size.
        return loss / self.anatomy.window_mm * 10, float(loss.detach())


class SceneCoordinateTask(Task):
    """Scene-coordinate regression."""

    what = "scene-coordinates"
    defaults: ClassVar[Mapping[str, float]] = {"width": 12, "batch": 16, "learning_rate": 1e-3}
    inputs = ("contrasts",)
    outputs = ("scene",)

    def network(self) -> nn.Module:
        """The U-Net."""
        return SceneCoordinateNetwork(self.settings.width, self.settings.output_stride)

    def batch(self, films: Sequence[TrainingFilm]) -> Batch:
        """The films, and their rays' entry and exit points about the body's middle."""
        found = [scene_points(self.anatomy.surface, film.geometry, self.settings.output_stride) for film in films]
        middle = self.anatomy.middle_ras_mm
        points = [np.moveaxis((points - middle) / SCENE_UNIT_MM, -1, 1) for points, _ in found]
        return {
            "contrasts": _tensor([film.contrasts for film in films]),
            "points": _tensor(points),
            "valid": _tensor([valid for _, valid in found]),
        }

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, float]:
        """Heteroscedastic likelihood; the mean distance of the coordinates from the truth."""
        predicted = network(batch["contrasts"])
        loss = scene_coordinate_loss(predicted, batch["points"], batch["valid"])
        with torch.no_grad():
            distance = torch.linalg.vector_norm(split_prediction(predicted)[0] - batch["points"], dim=2)
            error = (distance * batch["valid"]).sum() / batch["valid"].sum().clamp(min=1)
        return loss, float(error) * SCENE_UNIT_MM


TASKS: dict[str, type[Task]] = {task.what: task for task in (PoseTask, SceneCoordinateTask)}


def _tensor(values: object) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(np.asarray(values, np.float32)))
