"""A volume made to agree with its films: the residual falls several-fold and PSNR-3D does not."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage
from XRayLib.case import Options
from XRayLib.ct import Volume, attenuation_from_hu
from XRayLib.data_consistency import MEASURED, FilmDeviation, agreement_of, made_consistent
from XRayLib.data_consistency.film_errors import FilmErrors
from XRayLib.data_consistency.residual_grid import ResidualGrid
from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry
from XRayLib.metrics.common_grid import onto
from XRayLib.metrics.intensity import psnr_3d
from XRayLib.phantom import torso_phantom
from XRayLib.projector import project
from XRayLib.projector.rigid import motion_from_twist
from XRayLib.radiograph import Radiograph
from XRayLib.tomography import Films


@cache
def patient() -> Volume:
    return torso_phantom(3, 8.0).ct


@cache
def someone_else() -> Volume:
    """What a network that has seen other patients might return."""
    return Volume(onto(torso_phantom(8, 8.0).ct, patient())[0], patient().ijk_to_ras)


@cache
def films() -> tuple[Radiograph, ...]:
    """Frontal and lateral, calibrated, of measured geometry."""
    views = [
        XRayGeometry.from_c_arm(
            primary_angle_deg=angle,
            secondary_angle_deg=0.0,
            source_to_detector_mm=1500.0,
            source_to_isocenter_mm=1000.0,
            size_px=(90, 90),
            pixel_spacing_mm=(8.0, 8.0),
            isocenter_ras_mm=(0.0, 0.0, -10.0),
        )
        for angle in (0.0, 90.0)
    ]
    mu = Volume(attenuation_from_hu(patient().voxels), patient().ijk_to_ras, "mu_per_mm")
    return tuple(
        Radiograph(image, v, calibrated=True) for image, v in zip(project(mu, views, device="cpu"), views, strict=True)
    )


def psnr(volume: Volume) -> float:
    return psnr_3d(patient().voxels, volume.voxels)


@pytest.mark.parametrize("chosen", [slice(0, 2), slice(0, 1), slice(1, 2)], ids=["both", "frontal", "lateral"])
def test_the_residual_falls_and_the_volume_gets_better(chosen: slice) -> None:
    result = made_consistent(someone_else(), films()[chosen], device="cpu")
    for n, view in enumerate(result.views, 1):
        assert view.residual * 2.5 < result.quality[f"reprojection_residual_before_{n}"]
    assert psnr(result.volume) > psnr(someone_else()) + 0.5
    assert result.volume.quantity == "HU"
    assert result.volume.voxels.min() >= -1000
    assert any("data consistency" in text for text in result.warnings)
    assert json.loads(json.dumps(result.provenance))["data_consistency"]["steps"] <= 40


def test_unknown_gain_offset_and_noise() -> None:
    random = np.random.default_rng(0)
    spoilt = tuple(
        replace(
            film,
            line_integral=0.3 * film.line_integral
            + 0.1
            + 0.004 * random.standard_normal(film.line_integral.shape).astype(np.float32),
            calibrated=False,
        )
        for film in films()
    )
    result = made_consistent(someone_else(), spoilt, device="cpu", uncalibrated=MEASURED)
    for n, view in enumerate(result.views, 1):
        assert view.residual * 2 < result.quality[f"reprojection_residual_before_{n}"]
    assert psnr(result.volume) > psnr(someone_else()) + 0.3
    careful = made_consistent(someone_else(), spoilt, device="cpu")
    assert careful.quality == result.quality
    assert psnr(careful.volume) > psnr(someone_else()) + 0.3


def test_scatter_and_local_contrast_of_a_processed_film_are_not_taken_for_the_patient() -> None:
    processed = tuple(replace(film, line_integral=scattered(film.line_integral), calibrated=False) for film in films())
    misled = made_consistent(someone_else(), processed, device="cpu", uncalibrated=MEASURED)
    careful = made_consistent(someone_else(), processed, device="cpu")
    assert psnr(misled.volume) < psnr(someone_else()) - 0.5
    assert psnr(careful.volume) > psnr(someone_else()) - 0.1


def scattered(line_integral: NDArray[np.float32]) -> NDArray[np.float32]:
    """The film of a beam to which twice as much scatter as primary radiation was added."""
    primary = np.exp(-line_integral)
    fog = ndimage.gaussian_filter(primary, 8.0)
    return -np.log(primary + 2 * fog * primary[30:60, 30:60].mean() / fog[30:60, 30:60].mean())


def test_the_errors_of_films_are_as_large_as_stated_and_their_map_has_an_exact_adjoint() -> None:
    films = Films((), np.zeros((2, 60, 70), np.float32), np.ones((2, 60, 70), np.float32), (True, False))
    errors = FilmErrors(films, 10.0, FilmDeviation(0.3, 0.2))
    assert errors.white.ravel() == pytest.approx([MEASURED.white, 0.3])
    random = np.random.default_rng(4)
    white, images = (random.standard_normal((2, 60, 70)).astype(np.float32) for _ in range(2))
    many = [errors.background(random.standard_normal((2, 60, 70)).astype(np.float32))[:, 30, 35] for _ in range(300)]
    np.testing.assert_allclose(np.std(many, axis=0), [0.0, 0.2], rtol=0.15)
    forth = float((errors.background(white) * images).sum())
    assert forth == pytest.approx(float((white * errors.background(images)).sum()), rel=1e-4)


def test_the_true_volume_is_left_alone() -> None:
    random = np.random.default_rng(1)
    noisy = tuple(
        replace(f, line_integral=f.line_integral + 0.02 * random.standard_normal((90, 90)).astype(np.float32))
        for f in films()
    )
    assert psnr(made_consistent(patient(), noisy, device="cpu").volume) > 45.0


def test_an_assumed_geometry_is_corrected_and_said_so() -> None:
    motion = motion_from_twist([0.02, -0.02, 0.03, 6.0, -4.0, 8.0], [0.0, 0.0, 0.0])
    moved = tuple(
        replace(film, geometry=replace(film.geometry.moved(motion), assumed=("source-to-detector distance",)))
        for film in films()
    )
    stiff = tuple(replace(f, geometry=replace(f.geometry, assumed=())) for f in moved)
    free, fixed = (made_consistent(patient(), given, device="cpu") for given in (moved, stiff))
    assert psnr(free.volume) > psnr(fixed.volume) + 3.0
    assert any("was moved by" in text for text in free.warnings)
    assert not any("was moved by" in text for text in fixed.warnings)
    for before, after in zip(moved, free.views, strict=True):
        assert not np.allclose(before.geometry.ras_to_pixel, after.radiograph.geometry.ras_to_pixel)
        assert after.radiograph.geometry.size_px == before.geometry.size_px
    for before, after in zip(stiff, fixed.views, strict=True):
        assert before.geometry == after.radiograph.geometry


def test_a_film_of_something_else_is_left_out() -> None:
    frontal, lateral = films()
    negative = replace(lateral, line_integral=9 - lateral.line_integral, calibrated=False)
    result = made_consistent(someone_else(), (frontal, negative), device="cpu")
    assert any("Film 2 does not resemble" in text for text in result.warnings)
    assert psnr(result.volume) > psnr(someone_else())


def test_masked_pixels_count_for_nothing() -> None:
    frontal = films()[0]
    mask = np.ones(frontal.line_integral.shape, bool)
    mask[:20] = False
    spoilt = replace(frontal, line_integral=np.where(mask, frontal.line_integral, 50.0).astype(np.float32), mask=mask)
    assert psnr(made_consistent(someone_else(), (spoilt,), device="cpu").volume) > psnr(someone_else())


def test_the_option_decides() -> None:
    silent = agreement_of(someone_else(), films(), Options(device="cpu"), lambda _f, _s: None)
    assert silent.volume is someone_else()
    assert not silent.quality
    assert not silent.warnings
    asked = agreement_of(
        someone_else(), films(), Options(device="cpu", extra={"consistent": True}), lambda _f, _s: None
    )
    assert psnr(asked.volume) > psnr(someone_else())
    with pytest.raises(InputError, match="true or false"):
        agreement_of(someone_else(), films(), Options(extra={"consistent": "yes"}), lambda _f, _s: None)


def test_input_that_cannot_be_used_is_refused() -> None:
    with pytest.raises(InputError, match="HU"):
        made_consistent(replace(patient(), quantity="label"), films(), device="cpu")
    inside = motion_from_twist([0.0, 0.0, 0.0, 0.0, 1000.0, 0.0], [0.0, 0.0, 0.0])
    near = replace(films()[0], geometry=films()[0].geometry.moved(np.linalg.inv(inside)))
    with pytest.raises(InputError, match="source of film 1 lies inside"):
        made_consistent(patient(), (near,), device="cpu")


def test_the_shape_of_the_change_has_an_exact_adjoint() -> None:
    random = np.random.default_rng(2)
    attenuation = Volume(attenuation_from_hu(patient().voxels), patient().ijk_to_ras, "mu_per_mm")
    grid = ResidualGrid(attenuation)
    a, b = (random.standard_normal(grid.empty.voxels.shape).astype(np.float32) for _ in range(2))
    forth, back = float((grid.shaped(a) * b).sum()), float((a * grid.shaped_adjoint(b)).sum())
    assert forth == pytest.approx(back, rel=1e-4, abs=1e-2)
    assert grid.fine(a).shape == patient().voxels.shape
