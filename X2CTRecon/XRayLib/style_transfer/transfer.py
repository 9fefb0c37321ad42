"""One film through the style network, kept only when its anatomy stays in place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from XRayLib.bundle import Bundle, installed_bundle
from XRayLib.errors import InputError
from XRayLib.radiograph import Radiograph
from XRayLib.style_transfer.anatomy_check import AnatomyCheck, check_anatomy
from XRayLib.style_transfer.square_film import SquareFilm

TASK = "style_transfer"
DEFAULT_BUNDLE = "cyclegan-chest"
LARGEST_ANGLE_DEG = 25.0
"""Off a frontal or lateral beam: the network has seen no other films."""
BEAM_AXES = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])


@dataclass(frozen=True, eq=False)
class TransferredFilm:
    """``radiograph``: in the new style, or the original with ``reason`` saying why it was kept.

    ``check`` is None when the network was not asked.
    """

    radiograph: Radiograph
    reason: str = ""
    check: AnatomyCheck | None = None

    @property
    def changed(self) -> bool:
        """Whether the film was replaced."""
        return not self.reason


class StyleTransfer:
    """The style network of a bundle. Raises InputError for a bundle of another task."""

    def __init__(self, bundle: Bundle, device: str) -> None:
        from XRayLib.runtime import open_session

        if bundle.task != TASK:
            raise InputError(f"The model '{bundle.id}' does not transfer styles: choose another model.")
        self.bundle = bundle
        self._session = open_session(bundle, device)
        ((self._input, tensor),) = bundle.manifest["inputs"].items()
        ((self._output, _),) = bundle.manifest["outputs"].items()
        self._side = int(tensor["shape"][-1])

    @property
    def session(self) -> Any:
        """Where the network runs."""
        return self._session

    def transferred(self, radiograph: Radiograph) -> TransferredFilm:
        """The film in the style of simulated ones. Calibrated films and oblique views are kept as they are."""
        if radiograph.calibrated:
            return TransferredFilm(radiograph, "it holds line integrals already")
        cosine = float(np.abs(BEAM_AXES @ radiograph.geometry.detector_normal).max())
        if np.degrees(np.arccos(min(1.0, cosine))) > LARGEST_ANGLE_DEG:
            return TransferredFilm(radiograph, "it is neither a frontal nor a lateral view")
        square = SquareFilm.of(radiograph, self._side)
        values = self._session.run({self._input: square.image[None, None]})[self._output][0, 0]
        changed = np.clip(np.asarray(values, np.float32), 0, 1)
        if not np.isfinite(values).all():
            return TransferredFilm(radiograph, "the style network returned values that are not numbers")
        check = check_anatomy(square.inner(square.image), square.inner(changed))
        if not check.passed:
            return TransferredFilm(
                radiograph,
                f"the style network would have moved anatomy (by {check.moved_px:.1f} of its pixels; edges agree to "
                f"{check.edge_correlation:.2f})",
                check,
            )
        film = square.changed_film(radiograph.line_integral, changed)
        return TransferredFilm(replace(radiograph, line_integral=film), check=check)


def installed_style_transfer(device: str, bundle_id: str = "") -> StyleTransfer:
    """The installed style network; InputError when there is none."""
    return StyleTransfer(installed_bundle(bundle_id or DEFAULT_BUNDLE), device)
