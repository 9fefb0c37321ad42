"""The pool of earlier fakes that a discriminator sees instead of the newest only."""

from __future__ import annotations

import torch
from torch import Tensor


class ImagePool:
    """Shrivastava et al. 2017, as used by Zhu et al.: half of the time an image is swapped with one of the pool."""

    def __init__(self, size: int, generator: torch.Generator) -> None:
        self.size, self._generator = size, generator
        self._kept: list[Tensor] = []

    def exchanged(self, images: Tensor) -> Tensor:
        """A batch of the same size, of new and kept images."""
        return torch.stack([self._exchanged(image) for image in images.detach()])

    def _exchanged(self, image: Tensor) -> Tensor:
        if len(self._kept) < self.size:
            self._kept.append(image.clone())
            return image
        if torch.rand((), generator=self._generator) < 0.5:
            return image
        chosen = int(torch.randint(self.size, (), generator=self._generator))
        kept, self._kept[chosen] = self._kept[chosen], image.clone()
        return kept
