"""Re-projections and residuals as nodes on a film's detector, made once per film and then written over."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from XRayLib.radiograph import Radiograph
from XRayLib.scene.provenance import write_attributes
from XRayLib.scene.radiograph_nodes import put_on_detector

REPROJECTION_ROLE = "XRay3DReprojection"
RESIDUAL_ROLE = "XRay3DResidual"


def put_reprojection(image: NDArray[np.floating], on: Radiograph, film: Any) -> Any:
    """The re-projection's node of a film; ``on`` gives the detector, which may be coarser than the film's own."""
    node = _put(image, on, film, REPROJECTION_ROLE, "re-projection")
    low, high = float(np.min(image)), float(np.percentile(image, 99.8))
    node.GetDisplayNode().SetWindowLevelMinMax(low, max(high, low + 1e-6))
    return node


def put_residual(image: NDArray[np.floating], on: Radiograph, film: Any) -> Any:
    """Film minus re-projection: blue where the film shows less, red where it shows more."""
    node = _put(image, on, film, RESIDUAL_ROLE, "residual")
    extent = float(np.abs(image).max()) or 1.0
    node.GetDisplayNode().SetAndObserveColorNodeID("vtkMRMLColorTableNodeFileColdToHotRainbow.txt")
    node.GetDisplayNode().SetWindowLevelMinMax(-extent, extent)
    return node


def _put(image: NDArray[np.floating], on: Radiograph, film: Any, role: str, word: str) -> Any:
    node = put_on_detector(image, on, f"{film.GetName()} {word}", film.GetNodeReference(role))
    film.SetNodeReferenceID(role, node.GetID())
    node.GetDisplayNode().SetAutoWindowLevel(False)
    write_attributes(node, {"Kind": word})
    return node
