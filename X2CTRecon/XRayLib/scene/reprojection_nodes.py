"""Re-projections and residuals as nodes on a film's detector, made once per film and volume and then written over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from XRayLib.radiograph import Radiograph
from XRayLib.scene.provenance import write_attributes
from XRayLib.scene.radiograph_nodes import put_on_detector

REPROJECTION_ROLE = "XRay3DReprojection"
RESIDUAL_ROLE = "XRay3DResidual"
"""References of a film to its images, one per volume."""
VOLUME_ROLE = "XRay3DProjected"
"""Reference of such an image to the volume that was projected."""


def reprojection_of(film: Any, volume: Any) -> Any:
    """The node of what a volume projects to on a film; None when that has not been computed."""
    return None if volume is None else _of(film, volume, REPROJECTION_ROLE)


def residual_of(film: Any, volume: Any) -> Any:
    """The node of film minus re-projection of a volume; None when that was not asked for."""
    return _of(film, volume, RESIDUAL_ROLE)


def put_reprojection(image: NDArray[np.floating], on: Radiograph, film: Any, volume: Any) -> Any:
    """The node of what a volume projects to on a film; ``on`` gives the detector, which may be coarser than the
    film's own."""
    node = _put(image, on, film, volume, REPROJECTION_ROLE, "re-projection")
    low, high = float(np.min(image)), float(np.percentile(image, 99.8))
    node.GetDisplayNode().SetWindowLevelMinMax(low, max(high, low + 1e-6))
    return node


def put_residual(image: NDArray[np.floating], on: Radiograph, film: Any, volume: Any) -> Any:
    """Film minus re-projection: blue where the film shows less, red where it shows more."""
    node = _put(image, on, film, volume, RESIDUAL_ROLE, "residual")
    extent = float(np.abs(image).max()) or 1.0
    node.GetDisplayNode().SetAndObserveColorNodeID("vtkMRMLColorTableNodeFileColdToHotRainbow.txt")
    node.GetDisplayNode().SetWindowLevelMinMax(-extent, extent)
    return node


def _put(image: NDArray[np.floating], on: Radiograph, film: Any, volume: Any, role: str, word: str) -> Any:
    former = _of(film, volume, role) or _of(film, None, role)
    name = f"{film.GetName()} {word} of {volume.GetName()}"
    node = put_on_detector(image, on, name, former)
    node.SetName(name)
    node.SetNodeReferenceID(VOLUME_ROLE, volume.GetID())
    if former is None:
        film.AddNodeReferenceID(role, node.GetID())
    node.GetDisplayNode().SetAutoWindowLevel(False)
    write_attributes(node, {"Kind": word})
    return node


def _of(film: Any, volume: Any, role: str) -> Any:
    """The image of that volume; with None that of one which has left the scene."""
    return next((node for node in _images(film, role) if node.GetNodeReference(VOLUME_ROLE) is volume), None)


def _images(film: Any, role: str) -> Iterator[Any]:
    nodes = (film.GetNthNodeReference(role, index) for index in range(film.GetNumberOfNodeReferences(role)))
    return (node for node in nodes if node is not None)
