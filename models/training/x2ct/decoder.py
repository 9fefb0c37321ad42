"""The 3D half of the generator: levels of 8^3 to 128^3 voxels and the output head."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from x2ct.connections import DepthConstant
from x2ct.layers import Conv3dNormReLU, Upsample3d, norm_relu

LEVEL_CHANNELS = (256, 128, 64, 32, 16, 16)
"""Published channels at 4^3, 8^3, .. 128^3."""
VIEW_EXTRA_CONVOLUTIONS = (2, 2, 2, 2, 1)
FUSION_EXTRA_CONVOLUTIONS = (1, 1, 1, 1, 1)


class DecoderLevel(nn.Module):
    """One level: upsample, join with the skip, compress 2C -> C, then ``extra`` more 3x3x3 convolutions."""

    def __init__(self, channels_below: int, channels: int, extra: int) -> None:
        super().__init__()
        self.channels = channels
        self.upsample = Upsample3d(channels_below, channels)
        self.compress = nn.Conv3d(2 * channels, channels, 3, padding=1)
        self.extra = nn.Sequential(*(Conv3dNormReLU(channels, channels) for _ in range(extra)))

    def joined(self, skip: Tensor | DepthConstant, below: Tensor) -> Tensor:
        """Compressed features at this level from the skip and the level below; the input of connection C."""
        up = self.upsample(below)
        if isinstance(skip, Tensor):
            return norm_relu(self.compress(torch.cat([skip, up], dim=1)))
        kernel = self.compress.weight
        up = F.conv3d(up, kernel[:, self.channels :], self.compress.bias, padding=1)
        return norm_relu(skip.add_convolved_to(up, kernel[:, : self.channels]))


class OutputHead(nn.Module):
    """7x7x7 convolution to one channel and ReLU; 0..1 stands for -1024..1476 HU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv3d(channels, 1, 7, padding=3)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, N, N, N) -> (B, 1, N, N, N)."""
        return F.relu(self.conv(x))

    def forward_by_slices(self, x: Tensor) -> Tensor:
        """The same convolution as seven 2D kernels per slice and a shifted sum; several times faster on CPUs.

        A 3D kernel with a single output channel leaves vector units idle; as 2D it has seven.
        """
        batch, channels, depth, rows, columns = x.shape
        slices = x.transpose(1, 2).reshape(batch * depth, channels, rows, columns)
        kernel = self.conv.weight[0].transpose(0, 1)
        taps = F.conv2d(slices, kernel, padding=3).view(batch, depth, 7, rows, columns)
        padded = F.pad(taps, (0, 0, 0, 0, 0, 0, 3, 3))
        total = sum(padded[:, t : t + depth, t] for t in range(7))
        return F.relu(total.unsqueeze(1) + self.conv.bias)
