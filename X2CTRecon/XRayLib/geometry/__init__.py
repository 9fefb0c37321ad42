"""X-ray geometry: one immutable object, and conversions from and to every convention at the border."""

from XRayLib.geometry.xray_geometry import XRayGeometry

__all__ = ["XRayGeometry"]
