"""Methods that are trained for one patient before they can run."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from XRayLib.case import SurfaceMesh
from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.registry import Method, Progress, method, methods


class PreparedMethod(Method):
    """A method with a network of its own for every patient's CT, kept on this computer."""

    @abstractmethod
    def prepare(
        self,
        ct: Volume,
        settings: Mapping[str, Any],
        progress: Progress,
        *,
        mesh: SurfaceMesh | None = None,
        resume: bool = True,
    ) -> Path:
        """Train for this CT and return the folder of the model; goes on where a cancelled preparation stopped.

        ``mesh`` is the organ in the CT, for methods that need one; others leave it alone. InputError without it.
        """

    @abstractmethod
    def preparation_state(self, ct: Volume, mesh: SurfaceMesh | None = None) -> dict[str, Any]:
        """What exists for this CT (and organ).

        ``bundle`` (folder or None), ``iterations`` and ``seconds`` trained, ``finished``, ``validation`` (errors).
        """


def prepared_method(method_id: str) -> PreparedMethod:
    """The method of that id; InputError lists those that can be prepared."""
    chosen = method(method_id)
    if not isinstance(chosen, PreparedMethod):
        known = ", ".join(m.id for m in methods().values() if isinstance(m, PreparedMethod))
        raise InputError(f"{chosen.title} needs no preparation. Methods that do: {known}.")
    return chosen
