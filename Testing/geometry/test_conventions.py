"""Every convention at the border: there and back for any view, and against other projects' own numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_views import any_view, assert_same_rays
from XRayLib.errors import InputError
from XRayLib.geometry import (
    DiffDrrView,
    RtkView,
    XRayGeometry,
    from_camera,
    from_diffdrr,
    from_lps,
    from_projection_matrix,
    from_rtk,
    from_rtk_matrix,
    isocenter_of,
    read_autoscoper_calibration,
    to_camera,
    to_diffdrr,
    to_lps,
    to_rtk,
)

angles = st.floats(-179, 179)
offsets = st.floats(-200, 200)


class TestCameraAndMatrices:
    @given(any_view())
    def test_camera_there_and_back(self, view: XRayGeometry) -> None:
        camera_matrix, rotation, translation = to_camera(view)
        assert np.linalg.det(rotation) == pytest.approx(1)
        back = from_camera(camera_matrix, rotation, translation, view.size_px, pixel_spacing_mm=view.pixel_spacing_mm)
        assert_same_rays(back, view, 1e-5)

    @given(any_view(), st.floats(1e-4, 1e4), st.booleans())
    def test_a_matrix_of_any_scale_and_sign_is_the_same_view(
        self, view: XRayGeometry, scale: float, negative: bool
    ) -> None:
        shown = view.source_ras_mm + 500 * view.detector_normal
        back = from_projection_matrix(
            (-scale if negative else scale) * view.ras_to_pixel,
            view.size_px,
            source_to_detector_mm=view.source_to_detector_mm,
            in_front=shown,
        )
        assert_same_rays(back, view, 1e-5)

    @given(any_view())
    def test_lps_there_and_back(self, view: XRayGeometry) -> None:
        back = from_lps(3.0 * to_lps(view), view.size_px, pixel_spacing_mm=view.pixel_spacing_mm)
        assert_same_rays(back, view, 1e-5)
        point = np.array([11.0, -22.0, 333.0])
        homogeneous = to_lps(view) @ (*(point * (-1, -1, 1)), 1)
        np.testing.assert_allclose(homogeneous, view.ras_to_pixel @ (*point, 1))

    def test_a_textbook_camera(self) -> None:
        geometry = from_camera(
            [[1000, 0, 320], [0, 1000, 240], [0, 0, 1]], np.eye(3), (0, 0, 800), (640, 480), pixel_spacing_mm=(0.5, 0.5)
        )
        np.testing.assert_allclose(geometry.source_ras_mm, (0, 0, -800))
        np.testing.assert_allclose(geometry.project([(8, 0, 0)]), [(330, 240)])
        assert geometry.source_to_detector_mm == 500

    def test_an_unknown_scale_is_assumed_and_said(self) -> None:
        geometry = from_camera([[2000, 0, 0], [0, 2500, 0], [0, 0, 1]], np.eye(3), (0, 0, 1), (9, 9))
        assert geometry.pixel_spacing_mm == pytest.approx((0.4, 0.5))
        assert "1000 mm" in geometry.assumed[0]

    @pytest.mark.parametrize(
        ("camera_matrix", "rotation", "sentence"),
        [
            (np.eye(4), np.eye(3), "3x3"),
            (np.eye(3), 2 * np.eye(3), "rotation"),
            (np.ones((3, 3)), np.eye(3), "triangular"),
            ([[1000, 50, 0], [0, 1000, 0], [0, 0, 1]], np.eye(3), "perpendicular"),
            ([[0, 0, 0], [0, 1000, 0], [0, 0, 1]], np.eye(3), "focal"),
        ],
    )
    def test_what_is_no_camera_is_refused(self, camera_matrix: object, rotation: np.ndarray, sentence: str) -> None:
        with pytest.raises(InputError, match=sentence):
            from_camera(camera_matrix, rotation, (0, 0, 1), (10, 10))


class TestRtk:
    @given(any_view(), st.sampled_from(["lps", "iec"]))
    def test_there_and_back(self, view: XRayGeometry, fixed_frame: str) -> None:
        rtk_view = to_rtk(view, fixed_frame=fixed_frame)
        assert rtk_view.direction[0] in (-1, 1)
        assert_same_rays(from_rtk(rtk_view, fixed_frame=fixed_frame), view, 1e-5)

    @given(st.tuples(angles, angles, angles), st.tuples(offsets, offsets), st.tuples(offsets, offsets))
    def test_parameters_and_matrix_agree(
        self, turn: tuple[float, ...], source: tuple[float, float], detector: tuple[float, float]
    ) -> None:
        gantry, out, inplane = turn
        view = RtkView(700, 1020, gantry, out / 2, inplane, source, detector, (-100, -80), (0.5, 0.7), (400, 300))
        from_matrix = from_rtk_matrix(
            view.matrix,
            view.size_px,
            origin_mm=view.origin_mm,
            spacing_mm=view.spacing_mm,
            source_to_detector_mm=1020,
        )
        assert_same_rays(from_rtk(to_rtk(from_rtk(view))), from_matrix, 1e-4)

    def test_a_c_arm_at_0_0_in_iec_is_rtks_gantry_at_180(self) -> None:
        view = XRayGeometry.from_c_arm(
            primary_angle_deg=0,
            secondary_angle_deg=0,
            source_to_detector_mm=1020,
            source_to_isocenter_mm=700,
            size_px=(11, 11),
            pixel_spacing_mm=(1, 1),
        )
        rtk_view = to_rtk(view, fixed_frame="iec")
        assert abs(rtk_view.gantry_angle_deg) == pytest.approx(180)
        assert rtk_view.source_to_isocenter_mm == pytest.approx(700)
        np.testing.assert_allclose(rtk_view.source_offset_mm, (0, 0), atol=1e-9)

    def test_an_unknown_frame_is_refused(self) -> None:
        with pytest.raises(InputError, match="lps or iec"):
            from_rtk(RtkView(700, 1020, 0, 0, 0, (0, 0), (0, 0), (0, 0), (1, 1), (2, 2)), fixed_frame="ras")

    def test_matrices_are_those_of_itk_rtk(self) -> None:
        itk = pytest.importorskip("itk", reason="itk-rtk is not installed", exc_type=ImportError)
        if not hasattr(itk, "RTK"):
            pytest.skip("itk-rtk is not installed")
        rtk = itk.RTK
        rng = np.random.default_rng(3)
        for _ in range(20):
            gantry, out, inplane = rng.uniform(-np.pi, np.pi, 3) * (1, 0.5, 1)
            source, offset = rng.uniform(-50, 50, (2, 2))
            theirs = rtk.ThreeDCircularProjectionGeometry.New()
            theirs.AddProjectionInRadians(700.0, 1020.0, gantry, *offset, out, inplane, *source)
            ours = RtkView(
                700, 1020, *np.rad2deg([gantry, out, inplane]), tuple(source), tuple(offset), (0, 0), (1, 1), (9, 9)
            )
            np.testing.assert_allclose(ours.matrix, itk.array_from_matrix(theirs.GetMatrix(0)), atol=1e-8)
            geometry = from_rtk(ours)
            np.testing.assert_allclose(
                geometry.source_ras_mm * (-1, -1, 1), np.array(theirs.GetSourcePosition(0))[:3], atol=1e-8
            )


class TestDiffDrr:
    @given(any_view(), st.sampled_from(["AP", "PA", None]))
    def test_there_and_back(self, view: XRayGeometry, orientation: str | None) -> None:
        center = (5.0, -60.0, 700.0)
        diffdrr_view = to_diffdrr(view, volume_center_ras_mm=center, orientation=orientation)
        assert np.linalg.det(diffdrr_view.pose[:3, :3]) == pytest.approx(1)
        assert_same_rays(from_diffdrr(diffdrr_view, volume_center_ras_mm=center), view, 1e-5)

    def test_an_unknown_orientation_is_refused(self) -> None:
        with pytest.raises(InputError, match="AP, PA"):
            from_diffdrr(DiffDrrView(np.eye(4), 1000, 2, 2, 1, 1, orientation="LL"))

    @settings(max_examples=20)
    @given(any_view(), st.sampled_from(["AP", "PA", None]))
    def test_pixels_lie_where_diffdrr_puts_them(self, view: XRayGeometry, orientation: str | None) -> None:
        torch = pytest.importorskip("torch")
        detectors = pytest.importorskip("diffdrr.detector", reason="DiffDRR is not installed", exc_type=ImportError)
        from diffdrr.pose import RigidTransform
        from XRayLib.geometry.diffdrr import REORIENTATION

        rows = 3 + view.size_px[1] % 4
        columns = 2 + view.size_px[0] % 5
        ours = to_diffdrr(replace(view, size_px=(columns, rows)), orientation=orientation)
        theirs = detectors.Detector(
            ours.sdd,
            ours.height,
            ours.width,
            ours.delx,
            ours.dely,
            ours.x0,
            ours.y0,
            torch.tensor(REORIENTATION[orientation], dtype=torch.float64),
            reverse_x_axis=ours.reverse_x_axis,
        ).double()
        source, pixels = theirs(RigidTransform(torch.tensor(ours.pose)), None)
        np.testing.assert_allclose(source[0, 0].numpy(), view.source_ras_mm, atol=1e-3)
        pixels = pixels[0].numpy().reshape(rows, columns, 3)
        for row, column in ((0, 0), (rows - 1, 0), (0, columns - 1), (rows - 1, columns - 1)):
            wanted = (view.pixel_to_ras @ (column, row, 0, 1))[:3]
            # DiffDRR keeps its calibration in float32.
            np.testing.assert_allclose(pixels[row, column], wanted, atol=2e-3)


class TestAutoscoperCalibration:
    TEXT = (
        "image size\n640,480\n\ncamera matrix\n1000,0,320\n0,1000,240\n0,0,1\n\n"
        "rotation\n1,0,0\n0,1,0\n0,0,1\n\ntranslation\n1\n2\n800\n"
    )

    def test_the_text_is_the_camera(self, tmp_path: Path) -> None:
        path = tmp_path / "cam.txt"
        path.write_text(self.TEXT)
        geometry = read_autoscoper_calibration(path, source_to_detector_mm=1100)
        assert geometry.size_px == (640, 480)
        np.testing.assert_allclose(geometry.source_ras_mm, (-1, -2, -800))
        assert geometry.pixel_spacing_mm == pytest.approx((1.1, 1.1))

    @pytest.mark.parametrize(
        "text", ["", "image size\n640\n", TEXT.replace("0,0,1", "0,0,x"), TEXT.replace("\n800", ""), "\x00\xff"]
    )
    def test_other_text_is_refused(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "cam.txt"
        path.write_text(text, errors="replace")
        with pytest.raises(InputError, match="calibration"):
            read_autoscoper_calibration(path)
        with pytest.raises(InputError, match="cannot be read"):
            read_autoscoper_calibration(tmp_path / "none.txt")

    @pytest.mark.real_data
    def test_two_real_cameras_see_the_same_thumb(self, patient_data: Path) -> None:
        folder = patient_data / "xray" / "biplane_wrist"
        views = [read_autoscoper_calibration(folder / f"xr_calib_wrist_cam0{n}.txt") for n in (1, 2)]
        depths = [view.depth_mm(isocenter_of(views))[0] for view in views]
        np.testing.assert_allclose(depths, 1070, atol=20)
        # The tip of the thumb and of the middle finger, picked by eye in both images of frame 2.
        for pixels in (((1500, 904), (40, 820)), ((1420, 280), (400, 228))):
            rays = [(v.pixel_to_ras @ (*p, 0, 1))[:3] - v.source_ras_mm for v, p in zip(views, pixels, strict=True)]
            across = np.cross(*rays)
            gap_mm = abs((views[1].source_ras_mm - views[0].source_ras_mm) @ across) / np.linalg.norm(across)
            assert gap_mm < 2
