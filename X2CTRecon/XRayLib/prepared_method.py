"""Methods that are trained for one patient before they can run."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.registry import Method, Progress, method, methods


class PreparedMethod(Method):
    """A method with a network of its own for every patient's CT, kept on this computer."""

    @abstractmethod
    def prepare(self, ct: Volume, settings: Mapping[str, Any], progress: Progress, *, resume: bool = True) -> Path:
        """Train for this CT and return the folder of the model; goes on where a cancelled preparation stopped."""

    @abstractmethod
    def preparation_state(self, ct: Volume) -> dict[str, Any]:
        """What exists for this CT: ``bundle`` (folder or None), ``iterations`` and ``seconds`` trained, ``finished``,
        ``validation`` (measured errors)."""


def prepared_method(method_id: str) -> PreparedMethod:
    """The method of that id; InputError lists those that can be prepared."""
    chosen = method(method_id)
    if not isinstance(chosen, PreparedMethod):
        known = ", ".join(m.id for m in methods().values() if isinstance(m, PreparedMethod))
        raise InputError(f"{chosen.title} needs no preparation. Methods that do: {known}.")
    return chosen
