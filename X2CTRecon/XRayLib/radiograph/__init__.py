"""Radiographs: image + geometry + intensity kind, and their loaders."""

from XRayLib.radiograph.intensity import LineIntegrals, to_line_integral
from XRayLib.radiograph.load import load_radiograph, radiograph_from_array
from XRayLib.radiograph.radiograph import Radiograph
from XRayLib.radiograph.save import save_radiograph
from XRayLib.radiograph.view_argument import parse_view_argument

__all__ = [
    "LineIntegrals",
    "Radiograph",
    "load_radiograph",
    "parse_view_argument",
    "radiograph_from_array",
    "save_radiograph",
    "to_line_integral",
]
