"""Leave the scene as it was: a group of nodes appears whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from XRayLib.scene.scene_step import SceneStep


@contextmanager
def whole_or_nothing() -> Iterator[None]:
    """Remove every node added inside the block when the block raises."""
    with SceneStep().recording():
        yield
