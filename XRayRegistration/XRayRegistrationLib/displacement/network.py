"""From two images to a displacement field in space.

After Miura et al., 2D/3D deformable image registration by a network that takes a radiograph and the initial CT
(arXiv 2212.05445, 2022). Here the network is trained for one patient: the CT enters by its projection, which says at
once how the film differs from what it would be without motion, and by the weights. As in Lecomte et al. (arXiv
2212.07692, 2022) it is trained on deformations of one CT with errors of the pose; it is told the view's direction. Most
of the field is made of the patient's modes of motion, of which the network says the strengths: a decoder alone takes
very long to learn that a breath moves half the trunk at once. It adds what the modes do not hold.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from XRayLib.preparation.layers import ResidualBlock, normalisation

CHANNELS_IN = 4
LAST_SIDE = 4
FEATURES = 256
FIRST_NODES = 4
UNIT_MM = 10.0
"""Of the network's output."""


class DisplacementNetwork(nn.Module):
    """A 2D encoder down to 4^2 pixels, the strengths of modes, a 3D decoder from 4^3 to 32^3 nodes.

    ``input_px`` is 64 times 2^n; ``mean_mm`` (3, 32, 32, 32) and ``modes_mm`` (modes, 3, 32, 32, 32), for one standard
    deviation, are displacements in RAS.
    """

    def __init__(self, width: int, input_px: int, mean_mm: NDArray[np.float32], modes_mm: NDArray[np.float32]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.from_numpy(mean_mm)[None], persistent=False)
        self.register_buffer("modes", torch.from_numpy(modes_mm.reshape(len(modes_mm), -1)), persistent=False)
        stride = input_px // 64
        self.stem = nn.Sequential(
            nn.Conv2d(CHANNELS_IN, width, 5, stride=2, padding=2, bias=False),
            normalisation(width),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(stride) if stride > 1 else nn.Identity(),
        )
        self.encoder = nn.Sequential(
            ResidualBlock(width, 2 * width, stride=2),
            ResidualBlock(2 * width, 4 * width, stride=2),
            ResidualBlock(4 * width, 8 * width, stride=2),
            ResidualBlock(8 * width, 8 * width),
        )
        self.mix = nn.Linear(8 * width * LAST_SIDE**2 + 6, FEATURES)
        self.strengths = nn.Linear(FEATURES, len(modes_mm))
        nn.init.normal_(self.strengths.weight, std=1e-3)
        nn.init.zeros_(self.strengths.bias)
        self.spread = nn.Linear(FEATURES, 8 * width * FIRST_NODES**3)
        self.first_channels = 8 * width
        self.decoder = nn.Sequential(
            *(_Larger(8 * width // 2**level, 4 * width // 2**level) for level in range(3)),
        )
        self.answer = nn.Conv3d(width, 3, 3, padding=1)
        nn.init.normal_(self.answer.weight, std=1e-3)
        nn.init.zeros_(self.answer.bias)

    def forward(self, contrasts: Tensor, projection: Tensor, direction: Tensor) -> Tensor:
        """The displacement from now to the CT.

        Parameters
        ----------
        contrasts, projection : (N, 2, side, side)
            Of the film, and of the CT as it was scanned.
        direction : (N, 6)
            Column and row axes of the film.

        Returns
        -------
        (N, 3, 32, 32, 32) in mm RAS, axes k, j, i
        """
        seen = self.encoder(self.stem(torch.cat([contrasts, projection], dim=1))).flatten(1)
        mixed = torch.relu(self.mix(torch.cat([seen, direction], dim=1)))
        first = torch.relu(self.spread(mixed)).reshape(-1, self.first_channels, FIRST_NODES, FIRST_NODES, FIRST_NODES)
        by_modes = self.mean + torch.matmul(self.strengths(mixed), self.modes).reshape(-1, *self.mean.shape[1:])
        return by_modes + UNIT_MM * self.answer(self.decoder(first))


class _Larger(nn.Module):
    """Twice the nodes along each axis, then a convolution."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Upsample(scale_factor=2, mode="nearest"),
            nn.Conv3d(channels_in, channels, 3, padding=1, bias=False),
            normalisation(channels),
            nn.ReLU(inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels_in, n, n, n) -> (N, channels, 2 n, 2 n, 2 n)."""
        return self.layers(x)
