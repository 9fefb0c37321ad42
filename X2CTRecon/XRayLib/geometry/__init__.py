"""X-ray geometry: one immutable object, and conversions from and to every convention at the border."""

from XRayLib.geometry.autoscoper import read_autoscoper_calibration
from XRayLib.geometry.camera import from_camera, from_projection_matrix, to_camera
from XRayLib.geometry.dicom_axes import image_axes_of
from XRayLib.geometry.dicom_geometry import geometry_from_dicom
from XRayLib.geometry.diffdrr import DiffDrrView, from_diffdrr, to_diffdrr
from XRayLib.geometry.film import STANDARD_VIEWS, assumed_film_geometry, film_geometry
from XRayLib.geometry.geometry_file import (
    INTENSITY_KINDS,
    GeometryFile,
    geometry_document,
    parse_geometry_document,
    read_geometry_and_intensity,
    read_geometry_file,
    write_geometry_file,
)
from XRayLib.geometry.isocenter import isocenter_depth_mm, isocenter_of
from XRayLib.geometry.lps import from_lps, to_lps
from XRayLib.geometry.private_block import read_private_geometry, write_private_geometry
from XRayLib.geometry.rtk import RtkView, from_rtk, from_rtk_matrix, to_rtk
from XRayLib.geometry.xray_geometry import XRayGeometry

__all__ = [
    "INTENSITY_KINDS",
    "STANDARD_VIEWS",
    "DiffDrrView",
    "GeometryFile",
    "RtkView",
    "XRayGeometry",
    "assumed_film_geometry",
    "film_geometry",
    "from_camera",
    "from_diffdrr",
    "from_lps",
    "from_projection_matrix",
    "from_rtk",
    "from_rtk_matrix",
    "geometry_document",
    "geometry_from_dicom",
    "image_axes_of",
    "isocenter_depth_mm",
    "isocenter_of",
    "parse_geometry_document",
    "read_autoscoper_calibration",
    "read_geometry_and_intensity",
    "read_geometry_file",
    "read_private_geometry",
    "to_camera",
    "to_diffdrr",
    "to_lps",
    "to_rtk",
    "write_geometry_file",
    "write_private_geometry",
]
