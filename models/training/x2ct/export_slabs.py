"""Volumes in an exported graph as slabs: a few slices at a time keep temporaries small and in the processor's cache."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from x2ct.export_graph import OnnxGraph
from x2ct.winograd import TILE

SLAB_BYTES = 1 << 24


@dataclass(frozen=True)
class Slabs:
    """A float32 volume (S, C, P, L) of ``side``^3 voxels, cut along S into tensors of equally many slices."""

    names: tuple[str, ...]
    channels: int
    side: int

    @property
    def depth(self) -> int:
        """Slices per slab."""
        return self.side // len(self.names)


def slab_count(channels: int, side: int) -> int:
    """How many slabs: at most 16 MiB each, whole tiles of slices."""
    count = 1
    while 4 * channels * side**3 > count * SLAB_BYTES and side % (2 * count * TILE) == 0:
        count *= 2
    return count


def per_slab(volume: Slabs, layer: Callable[[str], str]) -> Slabs:
    """Apply an operator that treats every slice alike to each slab."""
    return replace(volume, names=tuple(layer(name) for name in volume.names))


def added(graph: OnnxGraph, a: Slabs, b: Slabs) -> Slabs:
    """Voxelwise sum of volumes cut alike."""
    return replace(a, names=tuple(graph("Add", x, y) for x, y in zip(a.names, b.names, strict=True)))


def joined(graph: OnnxGraph, volume: Slabs) -> str:
    """All slices in one tensor."""
    return volume.names[0] if len(volume.names) == 1 else graph("Concat", *volume.names, axis=0)


def window(graph: OnnxGraph, volume: Slabs, start: int, stop: int) -> str:
    """Slices start .. stop - 1 of the volume, zero outside it."""
    pieces = [_zeros(graph, volume, -start)] if start < 0 else []
    for n, name in enumerate(volume.names):
        first, last = max(start - n * volume.depth, 0), min(stop - n * volume.depth, volume.depth)
        if (first, last) == (0, volume.depth):
            pieces.append(name)
        elif first < last:
            pieces.append(graph.sliced(name, 0, first, last))
    if stop > volume.side:
        pieces.append(_zeros(graph, volume, stop - volume.side))
    return pieces[0] if len(pieces) == 1 else graph("Concat", *pieces, axis=0)


def _zeros(graph: OnnxGraph, volume: Slabs, slices: int) -> str:
    return graph.zeros(slices, volume.channels, volume.side, volume.side)
