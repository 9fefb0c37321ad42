"""The two trainings for registration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from XRayLib.canonical_view.camera_frame import world_to_camera
from XRayLib.preparation.anatomy import Anatomy
from XRayLib.preparation.film_stream import FilmStream, TrainingFilm
from XRayLib.preparation.task import (
    FILM_TENSOR,
    Batch,
    BundleDescription,
    Measured,
    Task,
    as_tensor,
    film_pattern,
)

from XRayRegistrationLib.preparation.pose_network import PoseNetwork, pose_loss_mm
from XRayRegistrationLib.preparation.scene_coordinate_network import (
    SCENE_UNIT_MM,
    SceneCoordinateNetwork,
    scene_coordinate_loss,
    split_prediction,
)
from XRayRegistrationLib.preparation.scene_points import scene_points
from XRayRegistrationLib.preparation.settings import PosePreparationSettings

USE = "Start poses for the registration of exactly this CT. Research use only; not a medical device."
LIMITS = (
    "Knows one CT only; for another patient, or the same one after an operation, its answer means nothing.",
    "Trained on simulated films of the views and ranges that it was prepared for.",
    "A start, not a registration: its pose is refined and judged afterwards.",
)
MEASURED = (
    Measured("mtre_mm", "median mtre_mm, before refinement", "mm", "nominal_mtre_mm", "nominal pose"),
    Measured("rotation_deg", "median rotation_deg, before refinement", "deg"),
    Measured("projected_mm", "median projected_mm, before refinement", "mm"),
)


class FilmTask(Task):
    """Trained on films of the CT as it is."""

    def __init__(self, anatomy: Anatomy, settings: PosePreparationSettings) -> None:
        super().__init__(anatomy, settings)
        self.anatomy = anatomy

    def films(self) -> FilmStream:
        """Of the whole body."""
        return FilmStream(self.anatomy, self.settings)


class PoseTask(FilmTask):
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
            "contrasts": as_tensor([film.contrasts for film in films]),
            "nominal_rotation": as_tensor([film.nominal_rotation for film in films]),
            "camera": as_tensor(told),
            "rotation": as_tensor([pose[:3, :3] for pose in poses]),
            "translation": as_tensor([pose[:3, 3] for pose in poses]),
        }

    def description(self) -> BundleDescription:
        """A camera's numbers need only be positive in the parity block, a rotation need not rotate."""
        rotation = {"pattern": "uniform", "seed": 8, "shape": [1, 3, 3], "low": -1.0, "high": 1.0}
        camera = {"pattern": "uniform", "seed": 9, "shape": [1, 4], "low": 100.0, "high": 200.0}
        return BundleDescription(
            title="Pose of one patient",
            task="pose2d3d",
            intended_use=USE,
            limitations=LIMITS,
            measured=MEASURED,
            parity_inputs={
                "contrasts": film_pattern(self.settings.input_px),
                "nominal_rotation": rotation,
                "camera": camera,
            },
            tensors={
                "contrasts": FILM_TENSOR,
                "nominal_rotation": {"role": "nominal_rotation", "layout": "NHW", "quantity": "rotation"},
                "camera": {
                    "role": "camera",
                    "layout": "NC",
                    "quantity": "focal_px, principal_point_px, middle_depth_mm",
                },
                "rotation": {"role": "rotation", "layout": "NHW", "quantity": "rotation"},
                "translation": {"role": "translation", "layout": "NC", "quantity": "mm"},
            },
        )

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, float]:
        """Mean distance of the corners of the body's box, in space and across the beam."""
        rotation, translation = network(*(batch[name] for name in self.inputs))
        points = as_tensor(self.anatomy.corners_ras_mm).to(rotation.device)
        loss = pose_loss_mm(rotation, translation, batch["rotation"], batch["translation"], points)
        # In units of the window, so that the learning rate fits patients of any size.
        return loss / self.anatomy.window_mm * 10, float(loss.detach())


class SceneCoordinateTask(FilmTask):
    """Scene-coordinate regression."""

    what = "scene-coordinates"
    defaults: ClassVar[Mapping[str, float]] = {"width": 12, "batch": 16, "learning_rate": 1e-3}
    inputs = ("contrasts",)
    outputs = ("scene",)

    def __init__(self, anatomy: Anatomy, settings: PosePreparationSettings) -> None:
        super().__init__(anatomy, settings)
        self._output_stride = settings.output_stride

    def network(self) -> nn.Module:
        """The U-Net."""
        return SceneCoordinateNetwork(self.settings.width, self._output_stride)

    def batch(self, films: Sequence[TrainingFilm]) -> Batch:
        """The films, and their rays' entry and exit points about the body's middle."""
        found = [scene_points(self.anatomy.surface, film.geometry, self._output_stride) for film in films]
        middle = self.anatomy.middle_ras_mm
        points = [np.moveaxis((points - middle) / SCENE_UNIT_MM, -1, 1) for points, _ in found]
        return {
            "contrasts": as_tensor([film.contrasts for film in films]),
            "points": as_tensor(points),
            "valid": as_tensor([valid for _, valid in found]),
        }

    def description(self) -> BundleDescription:
        """Of a network that sees the film alone."""
        scene = {
            "role": "scene_coordinates",
            "layout": "NCHW",
            "quantity": "mm",
            "scale": SCENE_UNIT_MM,
            "axes": "RAS",
        }
        return BundleDescription(
            title="Scene coordinates of one patient",
            task="scene_coordinates",
            intended_use=USE,
            limitations=LIMITS,
            measured=MEASURED,
            parity_inputs={"contrasts": film_pattern(self.settings.input_px)},
            tensors={"contrasts": FILM_TENSOR, "scene": scene},
        )

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, float]:
        """Heteroscedastic likelihood; the mean distance of the coordinates from the truth."""
        predicted = network(batch["contrasts"])
        loss = scene_coordinate_loss(predicted, batch["points"], batch["valid"])
        with torch.no_grad():
            distance = torch.linalg.vector_norm(split_prediction(predicted)[0] - batch["points"], dim=2)
            error = (distance * batch["valid"]).sum() / batch["valid"].sum().clamp(min=1)
        return loss, float(error) * SCENE_UNIT_MM


TASKS: dict[str, type[Task]] = {task.what: task for task in (PoseTask, SceneCoordinateTask)}
