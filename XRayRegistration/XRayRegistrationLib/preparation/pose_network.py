"""ResNet from a film to the CT's pose in front of the camera.

After xvr (Gopalakrishnan et al., arXiv 2503.16309): a small ResNet with GroupNorm that sees one patient. It is told
what a film tells: the nominal orientation, the focal length and the assumed depth. It answers in terms of what an image
can show: where the CT's middle appears, how large, and how it is turned against the ray to it (Kundu et al., 3D-RCNN,
CVPR 2018: allocentric pose). So one network serves any detector and distance, and views far apart.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from XRayLib.preparation.layers import ResidualBlock, normalisation

CHANNELS_IN = 2
FIRST_SIDE, LAST_SIDE = 16, 4
"""Rows and columns of the first and the last features; a mean over the last would forget where things are."""
FEATURES = 256
SHIFT_SCALE, DEPTH_SCALE = 0.2, 0.2
"""Of the window's width, and of the logarithm of the depth, per unit of the network's output."""


class PoseNetwork(nn.Module):
    """Residual blocks of 2, 4 and 8 ``width`` channels at 16^2, 8^2 and 4^2 pixels; ``input_px`` is 64 times 2^n."""

    def __init__(self, width: int, input_px: int, middle_ras_mm: list[float]) -> None:
        super().__init__()
        self.input_px = input_px
        self.register_buffer("middle_ras_mm", torch.tensor(middle_ras_mm, dtype=torch.float32), persistent=False)
        self.stem = nn.Sequential(
            nn.Conv2d(CHANNELS_IN, width, 5, stride=2, padding=2, bias=False),
            normalisation(width),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(input_px // (4 * FIRST_SIDE)),
            nn.Conv2d(width, 2 * width, 3, stride=2, padding=1, bias=False),
            normalisation(2 * width),
            nn.ReLU(inplace=True),
        )
        blocks: list[nn.Module] = []
        channels = 2 * width
        for level in (2, 4, 8):
            blocks += [
                ResidualBlock(channels, width * level, stride=1 if level == 2 else 2),
                ResidualBlock(width * level, width * level),
            ]
            channels = width * level
        self.blocks = nn.Sequential(*blocks)
        self.mix = nn.Linear(channels * LAST_SIDE**2 + 6 + 1, FEATURES)
        self.answer = nn.Linear(FEATURES, 9)
        nn.init.zeros_(self.answer.bias)
        nn.init.normal_(self.answer.weight, std=1e-3)

    def forward(self, contrasts: Tensor, nominal_rotation: Tensor, camera: Tensor) -> tuple[Tensor, Tensor]:
        """The rigid motion CT RAS -> camera.

        Parameters
        ----------
        contrasts : (N, 2, side, side)
        nominal_rotation : (N, 3, 3)
            CT RAS -> camera as the film's geometry has it.
        camera : (N, 4)
            Focal length and principal point (column, row) in pixels, depth of the middle that the film assumes in mm.

        Returns
        -------
        rotation (N, 3, 3) and translation (N, 3) in mm
        """
        focal, principal, depth = camera[:, :1], camera[:, 1:3], camera[:, 3:]
        window_middle = ((self.input_px - 1) / 2 - principal) / focal
        nominal = rotation_to_ray(window_middle).transpose(1, 2) @ nominal_rotation
        features = self.blocks(self.stem(contrasts)).flatten(1)
        # Pixels per window and focal length tell how strong the perspective is.
        told = torch.cat([nominal[:, :2].flatten(1), self.input_px / focal], dim=1)
        answer = self.answer(torch.relu(self.mix(torch.cat([features, told], dim=1))))
        slope = window_middle + answer[:, 6:8] * SHIFT_SCALE * self.input_px / focal
        middle_depth = depth * torch.exp(DEPTH_SCALE * answer[:, 8:])
        rotation = rotation_to_ray(slope) @ rotation_from_six(answer[:, :6]) @ nominal
        middle = torch.cat([slope, torch.ones_like(middle_depth)], dim=1) * middle_depth
        return rotation, middle - (rotation @ self.middle_ras_mm.reshape(3, 1)).flatten(1)


def rotation_from_six(six: Tensor) -> Tensor:
    """(N, 6) -> (N, 3, 3): two rows off the identity, orthonormalised (Zhou et al., CVPR 2019)."""
    first = six[:, :3] + torch.tensor([1.0, 0.0, 0.0], device=six.device)
    second = six[:, 3:] + torch.tensor([0.0, 1.0, 0.0], device=six.device)
    first = first / _length(first)
    second = second - (first * second).sum(dim=1, keepdim=True) * first
    second = second / _length(second)
    return torch.stack([first, second, _cross(first, second)], dim=1)


def rotation_to_ray(slope: Tensor) -> Tensor:
    """(N, 2) -> (N, 3, 3): the smallest rotation from the camera's axis to the direction (x, y, 1)."""
    ray = torch.cat([slope, torch.ones_like(slope[:, :1])], dim=1)
    ray = ray / _length(ray)
    x, y, z = ray[:, 0], ray[:, 1], ray[:, 2]
    share = 1 / (1 + z)
    rows = [1 - share * x * x, -share * x * y, x, -share * x * y, 1 - share * y * y, y, -x, -y, z]
    return torch.stack(rows, dim=1).reshape(-1, 3, 3)


def pose_loss_mm(
    rotation: Tensor, translation: Tensor, true_rotation: Tensor, true_translation: Tensor, points: Tensor
) -> Tensor:
    """Mean distance of points of the CT between predicted and true pose, in space and across the beam, mm.

    The distance in space is the target registration error itself. Its part across the beam is added because that is
    what a film shows well, and what a refinement must start from.

    Parameters
    ----------
    rotation, true_rotation : (N, 3, 3); translation, true_translation : (N, 3)
    points : (P, 3), CT RAS mm
    """
    difference = points @ (rotation - true_rotation).transpose(1, 2) + (translation - true_translation)[:, None]
    return (_length(difference) + _length(difference[..., :2])).mean()


def _length(vectors: Tensor) -> Tensor:
    return torch.sqrt((vectors * vectors).sum(dim=-1, keepdim=True) + 1e-8)


def _cross(a: Tensor, b: Tensor) -> Tensor:
    return torch.stack(
        [
            a[:, 1] * b[:, 2] - a[:, 2] * b[:, 1],
            a[:, 2] * b[:, 0] - a[:, 0] * b[:, 2],
            a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0],
        ],
        dim=1,
    )
