"""The networks' shapes, what an untrained pose network answers, and what the losses reward."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from XRayLib.preparation.film_stream import nominal_rotation, pinhole
from XRayLib.projector.rigid import motion_from_twist
from XRayRegistrationLib.learned.regressed_pose import combined_pose
from XRayRegistrationLib.learned.scene_correspondences import SCENE_UNIT_MM as UNIT_OF_POINTS
from XRayRegistrationLib.preparation.pose_network import PoseNetwork, pose_loss_mm, rotation_from_six, rotation_to_ray
from XRayRegistrationLib.preparation.scene_coordinate_network import (
    SCENE_UNIT_MM,
    SceneCoordinateNetwork,
    scene_coordinate_loss,
    split_prediction,
)
from XRayRegistrationLib.preparation.settings import PUBLISHED_UNET_WIDTH

MIDDLE = [10.0, -20.0, 30.0]


def count(network: torch.nn.Module) -> float:
    return sum(p.numel() for p in network.parameters()) / 1e6


class TestSceneCoordinateNetwork:
    def test_the_published_width_has_the_published_size(self) -> None:
        """31.04 M parameters with one input channel; ours sees two."""
        assert count(SceneCoordinateNetwork(PUBLISHED_UNET_WIDTH, 1)) == pytest.approx(31.04, abs=0.02)

    @pytest.mark.parametrize("stride", [1, 2, 4, 8])
    def test_one_answer_per_block_of_pixels(self, stride: int) -> None:
        network = SceneCoordinateNetwork(4, stride)
        scene = network(torch.zeros(2, 2, 64, 64))
        assert scene.shape == (2, 8, 64 // stride, 64 // stride)
        coordinates, log_sd = split_prediction(scene)
        torch.testing.assert_close(coordinates[:, 1], scene[:, 4:7])
        torch.testing.assert_close(log_sd[:, 0], scene[:, 3])

    def test_both_sides_of_the_export_use_the_same_unit(self) -> None:
        assert SCENE_UNIT_MM == UNIT_OF_POINTS

    def test_the_loss_is_lowest_at_the_truth_with_the_true_deviation(self) -> None:
        generator = torch.Generator().manual_seed(1)
        points, valid = torch.randn(4, 2, 3, 8, 8, generator=generator), torch.ones(4, 2, 8, 8)
        error = 0.1 * torch.randn(points.shape, generator=generator)

        def loss(offset: float, log_sd: float) -> float:
            answer = torch.cat([points + error + offset, torch.full((4, 2, 1, 8, 8), log_sd)], dim=2)
            return float(scene_coordinate_loss(answer.reshape(4, 8, 8, 8), points, valid))

        true = float(np.log(0.1))
        assert loss(0, true) < min(loss(0, true + 0.2), loss(0, true - 0.2), loss(0.05, true), loss(-0.05, true))

    def test_where_there_is_no_point_doubt_is_rewarded_and_coordinates_do_not_matter(self) -> None:
        nowhere, points = torch.zeros(1, 2, 4, 4), torch.zeros(1, 2, 3, 4, 4)

        def loss(value: float, log_sd: float) -> float:
            answer = torch.full((1, 2, 4, 4, 4), value)
            answer[:, :, 3] = log_sd
            return float(scene_coordinate_loss(answer.reshape(1, 8, 4, 4), points, nowhere))

        assert loss(0, 2.0) < loss(0, 0.0) < loss(0, -2.0)
        assert loss(0, 1.0) == loss(5, 1.0)


class TestPoseNetwork:
    def told(self, primary: float, principal: tuple[float, float]) -> tuple[torch.Tensor, torch.Tensor]:
        rotation = torch.tensor(nominal_rotation(primary, 5.0), dtype=torch.float32)[None]
        return rotation, torch.tensor([[110.0, *principal, 700.0]])

    def test_it_begins_at_the_nominal_pose_in_the_middle_of_the_window(self) -> None:
        torch.manual_seed(0)
        network = PoseNetwork(4, 64, MIDDLE)
        torch.nn.init.zeros_(network.answer.weight)
        for primary, principal in ((0.0, (31.5, 31.5)), (90.0, (20.0, 45.0))):
            nominal, camera = self.told(primary, principal)
            rotation, translation = network(torch.randn(1, 2, 64, 64), nominal, camera)
            torch.testing.assert_close(rotation, nominal, atol=1e-5, rtol=0)
            middle = (rotation @ torch.tensor(MIDDLE) + translation)[0]
            assert middle[2].item() == pytest.approx(700.0, rel=1e-5)
            pixel = middle[:2] / middle[2] * 110.0 + torch.tensor(principal)
            torch.testing.assert_close(pixel, torch.tensor([31.5, 31.5]), atol=1e-3, rtol=0)

    @pytest.mark.parametrize("input_px", [64, 128, 256])
    def test_any_answer_is_a_rigid_motion(self, input_px: int) -> None:
        torch.manual_seed(1)
        network = PoseNetwork(4, input_px, MIDDLE)
        torch.nn.init.normal_(network.answer.weight, std=1.0)
        nominal, camera = self.told(45.0, (30.0, 30.0))
        rotation, translation = network(torch.randn(1, 2, input_px, input_px), nominal, camera)
        torch.testing.assert_close(rotation @ rotation.transpose(1, 2), torch.eye(3)[None], atol=1e-4, rtol=0)
        assert float(torch.linalg.det(rotation)) == pytest.approx(1, abs=1e-4)
        assert torch.isfinite(translation).all()

    def test_the_rotation_to_a_ray_is_the_smallest_one(self) -> None:
        slope = torch.tensor([[0.2, -0.1], [0.0, 0.0], [-1.0, 2.0]])
        rotation = rotation_to_ray(slope)
        ray = torch.nn.functional.normalize(torch.cat([slope, torch.ones(3, 1)], dim=1), dim=1)
        torch.testing.assert_close(rotation[:, :, 2], ray)
        angle = torch.arccos(((rotation.diagonal(dim1=1, dim2=2).sum(1) - 1) / 2).clamp(-1, 1))
        torch.testing.assert_close(angle, torch.arccos(ray[:, 2]), atol=1e-3, rtol=0)

    def test_six_numbers_of_zero_are_no_rotation(self) -> None:
        torch.testing.assert_close(
            rotation_from_six(torch.zeros(2, 6)), torch.eye(3).expand(2, 3, 3), atol=1e-6, rtol=0
        )

    def test_the_loss_is_a_distance_in_millimetres(self) -> None:
        points = torch.tensor(MIDDLE) + 100 * torch.randn(50, 3, generator=torch.Generator().manual_seed(2))
        turn, shift = torch.eye(3)[None], torch.zeros(1, 3)
        assert float(pose_loss_mm(turn, shift, turn, shift, points)) == pytest.approx(0, abs=1e-3)
        along, across = torch.tensor([[0.0, 0.0, 8.0]]), torch.tensor([[0.0, 8.0, 0.0]])
        assert float(pose_loss_mm(turn, along, turn, shift, points)) == pytest.approx(8, abs=1e-3)
        assert float(pose_loss_mm(turn, across, turn, shift, points)) == pytest.approx(16, abs=1e-3)


class TestCombinedPose:
    CORNERS = np.array(MIDDLE) + 150 * np.array([[r, a, s] for r in (-1, 1) for a in (-1, 1) for s in (-1, 1)])
    TRUE = motion_from_twist([0.2, -0.1, 0.3, 10, -20, 30], MIDDLE)

    def view(self, primary: float) -> object:
        rotation = nominal_rotation(primary, 0.0)
        return pinhole(rotation, np.array([0, 0, 700.0]) - rotation @ MIDDLE, 64, 400.0, 700.0)

    def test_each_view_settles_the_others_depth(self) -> None:
        frontal, lateral = self.view(0.0), self.view(90.0)
        predicted = [
            (g, motion_from_twist([0, 0, 0, *(60 * g.detector_normal)], MIDDLE) @ self.TRUE) for g in (frontal, lateral)
        ]
        error = combined_pose(predicted, self.CORNERS) @ [*MIDDLE, 1] - self.TRUE @ [*MIDDLE, 1]
        assert np.linalg.norm(error) < 8

    def test_one_view_far_off_is_outvoted(self) -> None:
        wrong = motion_from_twist([1.5, 0, 0.5, 100, 80, 0], MIDDLE) @ self.TRUE
        predicted = [(self.view(45.0), wrong), (self.view(0.0), self.TRUE), (self.view(90.0), self.TRUE)]
        difference = combined_pose(predicted, self.CORNERS) - self.TRUE
        assert np.abs(self.CORNERS @ difference[:3, :3].T + difference[:3, 3]).max() < 40

    def test_a_single_view_is_taken_as_it_is(self) -> None:
        np.testing.assert_array_equal(combined_pose([(self.view(0.0), self.TRUE)], self.CORNERS), self.TRUE)
