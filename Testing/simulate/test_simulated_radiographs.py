"""Simulated radiographs: exact where they claim to be, and flawed by physics where asked to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from XRayLib.ct import Volume, attenuation_from_hu, load_ct
from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry, read_geometry_file
from XRayLib.projector import project
from XRayLib.simulate import (
    Realism,
    c_arm_views,
    draw_realism,
    film_of,
    random_view,
    realism_for,
    simulate_radiograph,
    tissue_line_integrals,
)
from XRayLib.simulate.beam import transmission, tube_spectrum
from XRayLib.simulate.exposure import expose
from XRayLib.simulate.materials import REFERENCE_KEV, attenuation_at, bone_ratio, bone_share, water_ratio
from XRayLib.simulate.radiograph_simulation import cropped_to_body


@pytest.fixture(scope="module")
def block() -> Volume:
    """A 60 mm cube of water with a 20 mm cube of bone in its middle, in a large box of air."""
    hu = np.full((50, 50, 50), -1000, np.float32)
    hu[10:40, 10:40, 10:40] = 0
    hu[20:30, 20:30, 20:30] = 1500
    return Volume.axis_aligned(hu, (2.0, 2.0, 2.0), (5.0, -10.0, 20.0))


@pytest.fixture(scope="module")
def frontal(block: Volume) -> XRayGeometry:
    (view,) = c_arm_views(block, [(0.0, 0.0)], size_px=(101, 101))
    return view


class TestTissue:
    def test_the_reference_energy_is_plain_attenuation(self) -> None:
        hu = np.linspace(-1000, 2500, 50).astype(np.float32)
        np.testing.assert_allclose(attenuation_at(hu, REFERENCE_KEV), attenuation_from_hu(hu), rtol=1e-6)

    def test_bone_gains_more_than_water_at_low_energy(self) -> None:
        assert bone_ratio(30.0) > 1.8 * water_ratio(30.0) > 1.8
        assert bone_ratio(100.0) < water_ratio(100.0) < 1
        soft, bone = attenuation_at(np.array([0, 1500], np.float32), 30.0) / attenuation_from_hu([0, 1500])
        assert soft == pytest.approx(water_ratio(30.0), rel=1e-5)
        assert bone == pytest.approx(bone_ratio(30.0), rel=1e-5)

    def test_bone_share_rises_from_soft_tissue_to_cortex(self) -> None:
        np.testing.assert_allclose(bone_share(np.array([-1000, 50, 825, 3000], np.float32)), [0, 0, 0.5, 1])


class TestBeam:
    def test_the_open_beam_passes_whole(self) -> None:
        spectrum = tube_spectrum(110, 3.0)
        assert spectrum.weight.sum() == pytest.approx(1) and (spectrum.weight > 0).all()
        assert transmission(np.zeros((1, 1), np.float32), np.zeros((1, 1), np.float32), spectrum) == pytest.approx(1)

    def test_thick_tissue_hardens_the_beam(self) -> None:
        thickness = np.linspace(0.1, 8, 40).astype(np.float32)[None]
        attenuation = -np.log(transmission(thickness, np.zeros_like(thickness), tube_spectrum(80, 2.5)))[0]
        per_thickness = attenuation / thickness[0]
        assert (np.diff(attenuation) > 0).all() and (np.diff(per_thickness) < 0).all()

    def test_filtration_and_voltage_raise_the_mean_energy(self) -> None:
        def mean(kvp: float, filtration: float) -> float:
            spectrum = tube_spectrum(kvp, filtration)
            return float((spectrum.energy_kev * spectrum.weight).sum())

        assert mean(70, 2.5) < mean(120, 2.5) < mean(120, 8.0)


class TestExposure:
    SOFT = np.full((80, 80), 2.0, np.float32)
    NONE = np.zeros((80, 80), np.float32)

    def test_scatter_has_the_given_ratio(self) -> None:
        clean = Realism(photons_per_mm2=1e12)
        soft = np.zeros((200, 200), np.float32)
        soft[50:150, 50:150] = 3.0
        primary = expose(soft, 0 * soft, (1, 1), clean, np.random.default_rng(0))
        scattered = expose(soft, 0 * soft, (1, 1), replace(clean, scatter_to_primary=0.8), np.random.default_rng(0))
        patient = soft > 0
        assert (scattered - primary)[patient].mean() / primary[patient].mean() == pytest.approx(0.8, rel=0.02)
        assert (scattered - primary)[~patient].min() >= -1e-6

    def test_noise_is_that_of_counted_photons(self) -> None:
        photons = 400.0
        signal = expose(
            self.NONE, self.NONE, (0.5, 0.5), Realism(photons_per_mm2=photons / 0.25), np.random.default_rng(1)
        )
        assert signal.mean() == pytest.approx(1, rel=0.01)
        assert signal.var() == pytest.approx(1 / photons, rel=0.1)

    def test_a_starved_detector_still_has_a_logarithm(self) -> None:
        signal = expose(10 * self.SOFT, self.NONE, (0.1, 0.1), Realism(photons_per_mm2=100), np.random.default_rng(1))
        assert (signal > 0).all()

    def test_the_heel_falls_across_the_field(self) -> None:
        signal = expose(self.NONE, self.NONE, (1, 1), Realism(photons_per_mm2=1e10, heel=0.3), np.random.default_rng(0))
        assert signal[:, 0].mean() == pytest.approx(1, abs=1e-3)
        assert signal[:, -1].mean() == pytest.approx(0.7, abs=1e-3)


class TestRadiographs:
    def test_without_realism_values_are_exact_line_integrals(self, block: Volume, frontal: XRayGeometry) -> None:
        radiograph = simulate_radiograph(block, frontal)
        column, row = np.rint(frontal.project([block.center_ras_mm])[0]).astype(int)
        # Linear interpolation keeps the cube's integral: 30 voxels of water, of which 10 are bone (2.5 times).
        assert radiograph.line_integral[row, column] == pytest.approx(0.02 * (40 + 20 * 2.5), rel=0.01)
        assert radiograph.calibrated and radiograph.line_integral[0, 0] == 0

    def test_energy_changes_bone_apart_from_water(self, block: Volume, frontal: XRayGeometry) -> None:
        column, row = np.rint(frontal.project([block.center_ras_mm])[0]).astype(int)
        low = simulate_radiograph(block, frontal, energy_kev=40.0).line_integral[row, column]
        expected = 0.02 * (40 * water_ratio(40.0) + 20 * 2.5 * bone_ratio(40.0))
        assert low == pytest.approx(expected, rel=0.03)

    def test_soft_and_bone_add_up(self, block: Volume, frontal: XRayGeometry) -> None:
        soft, bone = tissue_line_integrals(block, [frontal])
        exact = simulate_radiograph(block, frontal).line_integral
        np.testing.assert_allclose(soft[0] + bone[0], exact, atol=1e-5)
        assert bone.max() > 0.9

    def test_air_around_the_patient_costs_nothing_and_changes_nothing(
        self, block: Volume, frontal: XRayGeometry
    ) -> None:
        cropped = cropped_to_body(block)
        assert cropped.voxels.size < 0.4 * block.voxels.size
        both = [
            project(Volume(attenuation_from_hu(v.voxels), v.ijk_to_ras, "mu_per_mm"), [frontal])[0]
            for v in (block, cropped)
        ]
        np.testing.assert_allclose(both[0], both[1], atol=1e-3)

    @pytest.mark.parametrize("level", ["mild", "hard"])
    def test_films_are_reproducible_and_bone_bright(self, block: Volume, frontal: XRayGeometry, level: str) -> None:
        for seed in range(4):
            film = simulate_radiograph(block, frontal, realism=level, seed=seed)
            again = simulate_radiograph(block, frontal, realism=level, seed=seed)
            np.testing.assert_array_equal(film.line_integral, again.line_integral)
            assert not film.calibrated and np.isfinite(film.line_integral).all()
            assert film.line_integral.min() >= 0
            assert film.mask is not None
            image = np.where(film.mask, film.line_integral, np.nan)
            column, row = np.rint(frontal.project([block.center_ras_mm])[0]).astype(int)
            bone = np.nanmean(image[row - 3 : row + 4, column - 3 : column + 4])
            water = np.nanmean(image[row - 16 : row - 12, column - 3 : column + 4])
            assert bone > water

    def test_marks_and_borders_are_outside_the_mask(self, block: Volume, frontal: XRayGeometry) -> None:
        soft, bone = tissue_line_integrals(block, [frontal])
        marked = Realism(level="hard", marker="L", text="SIM 1", border="circle", border_fraction=0.1)
        film = film_of(soft[0], bone[0], frontal, marked, np.random.default_rng(0))
        assert film.mask is not None and not film.mask[0, 0] and film.mask[50, 50]
        assert film.line_integral[0, 0] == 0
        lettered = film_of(soft[0], bone[0], frontal, replace(marked, border=""), np.random.default_rng(0))
        assert lettered.mask is not None and 10 < (~lettered.mask).sum() < 500

    def test_levels_differ_in_what_they_draw(self) -> None:
        draws = {
            level: [draw_realism(level, np.random.default_rng(n)) for n in range(30)] for level in ("mild", "hard")
        }
        assert all(d.border == d.marker == d.text == "" and not d.bone_dark for d in draws["mild"])
        assert {d.border for d in draws["hard"]} == {"", "rectangle", "circle"}
        assert {d.bone_dark for d in draws["hard"]} == {True, False}
        assert max(d.scatter_to_primary for d in draws["mild"]) < max(d.scatter_to_primary for d in draws["hard"])
        assert realism_for("none", 3) == Realism()

    def test_an_unknown_level_is_refused(self, block: Volume, frontal: XRayGeometry) -> None:
        with pytest.raises(InputError, match="none, mild, hard"):
            simulate_radiograph(block, frontal, realism="extreme")

    @pytest.mark.real_data
    def test_a_real_ct_gives_the_reference_radiographs(self, patient_data: Path) -> None:
        ct = load_ct(patient_data / "ct" / "chest_lidc0001.nii.gz")
        for name in ("lidc0001_p+000_s+030", "lidc0001_p-045_s+015"):
            geometry = read_geometry_file(patient_data / "golden" / f"{name}.geometry.json")
            reference = sitk.GetArrayFromImage(sitk.ReadImage(patient_data / "golden" / f"{name}.nrrd"))
            ours = simulate_radiograph(ct, geometry).line_integral
            assert np.linalg.norm(ours - reference) / np.linalg.norm(reference) < 5e-3


class TestViews:
    def test_the_whole_ct_fits_on_the_detector(self, block: Volume) -> None:
        views = c_arm_views(block, [(0, 0), (90, 0), (35, -25)], size_px=(120, 80))
        assert len({view.pixel_spacing_mm for view in views}) == 1
        last = np.array(block.voxels.shape[::-1]) - 1
        corners = np.array([(block.ijk_to_ras @ (*(last * c), 1))[:3] for c in np.ndindex(2, 2, 2)])
        for view in views:
            pixels = view.project(corners)
            assert (pixels > -0.5).all() and (pixels < np.array(view.size_px) - 0.5).all()
            np.testing.assert_allclose(view.project([block.center_ras_mm])[0], view.principal_point_px, atol=1e-6)

    def test_random_views_surround_the_patient_and_look_at_it(self, block: Volume) -> None:
        views = [random_view(block, np.random.default_rng(seed), size_px=(64, 64)) for seed in range(60)]
        for view in views:
            column, row = view.project([block.center_ras_mm])[0]
            assert 0 < column < 63 and 0 < row < 63
        primary = np.array([view.primary_angle_deg for view in views])
        assert (abs(primary) < 15).sum() > 10 and (abs(abs(primary) - 90) < 15).sum() > 10
        assert len({round(view.source_to_detector_mm) for view in views}) > 30
