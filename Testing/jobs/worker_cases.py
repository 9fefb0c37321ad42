"""A radiograph to work on, and the environment in which a worker finds the test methods."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from XRayLib.geometry import XRayGeometry
from XRayLib.radiograph import Radiograph

METHOD_PACKAGE = Path(__file__).parent / "method_package"
ENVIRONMENT = {
    "XRAY3D_METHOD_PACKAGES": "jobs_test_methods",
    "PYTHONPATH": os.pathsep.join([str(METHOD_PACKAGE), str(Path(__file__).parents[2] / "X2CTRecon")]),
}


def make_radiograph(shape: tuple[int, int] = (6, 8), **fields: object) -> Radiograph:
    rows, columns = shape
    geometry = XRayGeometry.from_c_arm(
        primary_angle_deg=10.0,
        secondary_angle_deg=-5.0,
        source_to_detector_mm=1000.0,
        source_to_isocenter_mm=700.0,
        size_px=(columns, rows),
        pixel_spacing_mm=(1.5, 2.0),
    )
    image = np.random.default_rng(0).random(shape, np.float32)
    return Radiograph(image, geometry, **fields)  # type: ignore[arg-type]
