"""A CT node's voxels, read once."""

from __future__ import annotations

from typing import Any

from XRayLib.ct import Volume
from XRayLib.scene.volume_nodes import ijk_to_ras_of, volume_from_node


class CtInMemory:
    """The CT that was asked for last: the same object until its voxels or their place in its own RAS change, so that a
    client knows what the worker already has."""

    def __init__(self) -> None:
        self._volume: Volume | None = None
        self.version: tuple[str, int, bytes] | None = None
        """Changes with the volume."""

    def volume(self, ct_node: Any) -> Volume:
        """The CT in its own RAS. Raises InputError when the node holds no image."""
        image = ct_node.GetImageData()
        key = (ct_node.GetID(), 0 if image is None else image.GetMTime(), ijk_to_ras_of(ct_node).tobytes())
        if self._volume is None or key != self.version:
            self._volume, self.version = volume_from_node(ct_node, in_world=False), key
        return self._volume

    def forget(self) -> None:
        """Its scene is gone."""
        self._volume = self.version = None
