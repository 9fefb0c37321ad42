"""What every result of this module records of its films and of the packages that made it."""

from __future__ import annotations

from typing import Any

from XRayLib.radiograph import Radiograph


def view_provenance(radiograph: Radiograph) -> dict[str, Any]:
    """Geometry of a view, enough to run again."""
    geometry = radiograph.geometry
    return {
        "ras_to_pixel": geometry.ras_to_pixel.tolist(),
        "size_px": list(geometry.size_px),
        "pixel_spacing_mm": list(geometry.pixel_spacing_mm),
        "source_to_detector_mm": geometry.source_to_detector_mm,
        "assumed": list(geometry.assumed),
        "calibrated": radiograph.calibrated,
    }


def versions(runtime: str = "onnxruntime") -> dict[str, str]:
    """Of what decides a result; ``runtime`` is the package that computes it."""
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for name in ("xray3d", "numpy", runtime):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
