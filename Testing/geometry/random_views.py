"""Random views for property tests: any pose, any detector, read from either side."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from XRayLib.geometry import XRayGeometry


@st.composite
def any_view(draw: st.DrawFn) -> XRayGeometry:
    """A view with random rotation, source, detector grid and principal point, of either handedness."""
    quaternion = np.array(draw(st.tuples(*[st.floats(-1, 1)] * 4)))
    if np.linalg.norm(quaternion) < 0.1:
        quaternion = np.array([1.0, 0, 0, 0])
    w, x, y, z = quaternion / np.linalg.norm(quaternion)
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    columns_to, rows_to, normal = rotation.T
    if draw(st.booleans()):
        columns_to = -columns_to
    size_px = draw(st.tuples(st.integers(1, 3000), st.integers(1, 3000)))
    return XRayGeometry.from_frame(
        source_ras_mm=draw(st.tuples(*[st.floats(-1500, 1500)] * 3)),
        column_direction=columns_to,
        row_direction=rows_to,
        normal=normal,
        source_to_detector_mm=draw(st.floats(300, 3000)),
        size_px=size_px,
        pixel_spacing_mm=draw(st.tuples(*[st.floats(0.05, 5)] * 2)),
        principal_point_px=draw(st.tuples(st.floats(-100, 3100), st.floats(-100, 3100))),
    )


def assert_same_rays(result: XRayGeometry, wanted: XRayGeometry, tolerance_px: float = 1e-6) -> None:
    """Both views put points in front of the source on the same pixels, to ``tolerance_px`` on the detector."""
    depths = wanted.source_to_detector_mm * np.array([0.4, 0.7, 1.0])
    corners = [(0, 0), (wanted.size_px[0] - 1, 0), (0, wanted.size_px[1] - 1)]
    on_detector = np.array([(wanted.pixel_to_ras @ (c, r, 0, 1))[:3] for c, r in corners])
    fractions = (depths / wanted.source_to_detector_mm)[:, None]
    points = wanted.source_ras_mm + fractions * (on_detector - wanted.source_ras_mm)
    np.testing.assert_allclose(result.project(points), wanted.project(points), rtol=1e-9, atol=tolerance_px)
    np.testing.assert_allclose(result.depth_mm(points), depths, rtol=1e-9)
    assert result.size_px == wanted.size_px
    np.testing.assert_allclose(result.pixel_spacing_mm, wanted.pixel_spacing_mm, rtol=1e-9)
    np.testing.assert_allclose(result.source_to_detector_mm, wanted.source_to_detector_mm, rtol=1e-9)
