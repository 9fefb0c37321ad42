"""Radiographs: image + geometry + intensity kind, and their loaders."""

from XRayLib.radiograph.radiograph import Radiograph

__all__ = ["Radiograph"]
