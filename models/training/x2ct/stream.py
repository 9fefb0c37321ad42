"""Training samples as a Torch data set, drawn on the fly."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from x2ct.synthesis import Sample, Synthesis

REPLAY_BUFFER = 64


class SampleStream(IterableDataset):
    """``length`` samples per epoch; each pass goes on with fresh random numbers.

    ``replay`` > 1 shows every sample that often, shuffled through a buffer: drawing one costs a good part of a
    training step of a small network.
    """

    def __init__(self, synthesis: Synthesis, length: int, seed: int, replay: int = 1) -> None:
        super().__init__()
        self.synthesis, self.length, self.replay = synthesis, length, replay
        self.seed = seed
        self.start = 0
        """Iteration at which the run goes on; decides the random numbers."""
        self._buffer: list[Sample] = []

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        worker = torch.utils.data.get_worker_info()
        rng = np.random.default_rng([self.seed, self.start, worker.id if worker else 0])
        self.start += self.length
        for _ in range(self.length):
            sample = self._next(rng)
            yield {
                "films": torch.from_numpy(sample.films).unsqueeze(1),
                "volume": torch.from_numpy(sample.volume).unsqueeze(0),
                "weight": torch.from_numpy(sample.weight).unsqueeze(0),
            }

    def _next(self, rng: np.random.Generator) -> Sample:
        if len(self._buffer) > 4 and rng.random() > 1 / self.replay:
            return self._buffer[rng.integers(len(self._buffer))]
        sample = self.synthesis.draw(rng)
        if self.replay > 1:
            if len(self._buffer) >= REPLAY_BUFFER:
                self._buffer.pop(0)
            self._buffer.append(sample)
        return sample
