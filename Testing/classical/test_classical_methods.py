"""Reconstruction without a network: what it reaches from few and from many films of a torso, and what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from phantom_films import baselines, film_of, psnr, torso, torso_case, view
from XRayLib.case import Case, Options, Result
from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.registry import method

METHODS = ("cgls", "sart", "filtered-backprojection")


def run(method_id: str, case: Case, **extra: object) -> Result:
    chosen = method(method_id)
    chosen.check(case)
    options = Options(device="cpu", extra={"spacing_mm": 10.0, **extra})
    return chosen.run(case, options, lambda _fraction, _stage: None)


@pytest.mark.parametrize("method_id", METHODS)
def test_two_films_beat_air_and_say_what_they_cannot_show(method_id: str) -> None:
    result = run(method_id, torso_case(0.0, 90.0))
    assert psnr(result.volume) > baselines()[0] + 4.0
    assert result.volume.quantity == "HU"
    assert result.volume.voxels.min() >= -1000
    assert any("do not determine a volume" in text for text in result.warnings)
    assert any("64 keV" in text for text in result.warnings)
    assert json.loads(json.dumps(result.provenance))["mu_water_per_mm"] == 0.02


@pytest.mark.parametrize(("method_id", "factor"), [("cgls", 5.0), ("sart", 5.0), ("filtered-backprojection", 1.2)])
def test_the_residual_falls(method_id: str, factor: float) -> None:
    quality = run(method_id, torso_case(0.0, 90.0)).quality
    for n in (1, 2):
        assert quality[f"reprojection_residual_{n}"] * factor < quality[f"start_residual_{n}"]


@pytest.mark.parametrize("method_id", METHODS)
def test_one_film_beats_air(method_id: str) -> None:
    result = run(method_id, torso_case(0.0))
    assert psnr(result.volume) > baselines()[0] + 2.0
    assert any("measures nothing along its beam" in text for text in result.warnings)


@pytest.mark.parametrize("method_id", ["cgls", "sart"])
def test_eight_films_beat_the_mean_of_other_torsos(method_id: str) -> None:
    result = run(method_id, torso_case(*(180.0 * n / 8 for n in range(8))))
    assert psnr(result.volume) > max(24.0, baselines()[1] + 1.0)


def test_more_films_tell_more() -> None:
    reached = [psnr(run("sart", torso_case(*(180.0 * n / views for n in range(views)))).volume) for views in (1, 2, 5)]
    assert reached[0] < reached[1] < reached[2]


def test_oblique_views_of_different_sizes_are_taken() -> None:
    views = (view(30.0, 20.0, (60, 80)), view(-50.0, -15.0), view(100.0, 5.0, (90, 50)))
    result = run("cgls", Case(tuple(film_of(torso(), v) for v in views), body_part="chest"), regularisation="tikhonov")
    assert psnr(result.volume) > baselines()[0] + 4.0
    assert [v.reprojection.shape for v in result.views] == [(80, 60), (72, 72), (50, 90)]


@pytest.mark.parametrize(("method_id", "streaks_db"), [("cgls", 0.3), ("sart", 0.3), ("filtered-backprojection", 1.0)])
def test_a_prior_ct_at_its_pose_is_kept_where_the_films_say_nothing(method_id: str, streaks_db: float) -> None:
    shift = np.eye(4)
    shift[:3, 3] = (15.0, -10.0, 20.0)
    earlier = Volume(np.where(torso().voxels > 300, 300, torso().voxels), np.linalg.inv(shift) @ torso().ijk_to_ras)
    case = replace(torso_case(0.0, 90.0), ct=earlier, initial_ct_to_world=shift)
    result = run(method_id, case)
    assert psnr(result.volume) > psnr(Volume(earlier.voxels, torso().ijk_to_ras)) - streaks_db
    assert result.quality["reprojection_residual_1"] < result.quality["start_residual_1"]
    assert result.uncertainty is None
    assert any("prior CT" in text for text in result.warnings)


def of_unknown_gain(*primary_deg: float) -> Case:
    films = torso_case(*primary_deg).radiographs
    films = tuple(replace(f, line_integral=200 * f.line_integral + 30, calibrated=False) for f in films)
    return Case(films, body_part="chest")


def test_films_of_unknown_gain_keep_the_shape_and_say_that_hu_are_relative() -> None:
    result = run("sart", of_unknown_gain(0.0, 90.0))
    assert psnr(result.volume) > baselines()[0] + 2.0
    assert any("relative" in text for text in result.warnings)


@pytest.mark.parametrize("method_id", METHODS)
def test_oblique_films_of_unknown_gain_do_not_contradict_the_others(method_id: str) -> None:
    two, four = (psnr(run(method_id, of_unknown_gain(*angles)).volume) for angles in ((0, 90), (0, 45, 90, 135)))
    assert four > two


def test_the_uncertainty_falls_with_the_number_of_films() -> None:
    few, many = (
        run("cgls", torso_case(*(180.0 * n / views for n in range(views))), iterations=8).uncertainty
        for views in (2, 8)
    )
    assert few.quantity == "HU_sd"
    assert many.voxels.min() >= 0
    assert few.voxels.max() <= 300.0
    body = few.voxels > 0
    assert many.voxels[body & (many.voxels > 0)].mean() < 0.9 * few.voxels[body].mean()


def test_the_same_seed_gives_the_same_volume() -> None:
    first, second = (run("cgls", torso_case(0.0, 90.0), iterations=8) for _ in range(2))
    np.testing.assert_array_equal(first.volume.voxels, second.volume.voxels)
    np.testing.assert_array_equal(first.uncertainty.voxels, second.uncertainty.voxels)


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"iterations": -1}, "iterations must be"),
        ({"iterations": 2.5}, "whole number"),
        ({"regularisation": "magic"}, "must be one of tv, tikhonov"),
        ({"strength": "much"}, "strength must be a number"),
        ({"spacing_mm": 0.01}, "spacing_mm must be"),
    ],
)
def test_settings_that_make_no_sense_are_refused(extra: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        run("cgls", torso_case(0.0), **extra)


def test_input_that_cannot_be_used_is_refused() -> None:
    film = torso_case(0.0).radiographs[0]
    with pytest.raises(InputError, match="1 to 10 X-ray view"):
        run("sart", Case(()))
    with pytest.raises(InputError, match="nothing but one grey value"):
        run("sart", Case((replace(film, line_integral=np.full_like(film.line_integral, 2.0)),)))
    with pytest.raises(InputError, match="masked all over"):
        run("sart", Case((replace(film, mask=np.zeros(film.line_integral.shape, bool)),)))
    away = np.eye(4)
    away[:3, 3] = (0.0, 0.0, 900.0)
    with pytest.raises(InputError, match="no common part"):
        run("sart", Case((film, replace(film_of(torso(), view(90.0)), geometry=view(90.0).moved(away)))))
    with pytest.raises(InputError, match="must be in HU"):
        run("sart", replace(torso_case(0.0), ct=replace(torso(), quantity="label")))


def test_nearly_parallel_films_are_named() -> None:
    result = run("filtered-backprojection", torso_case(0.0, 8.0))
    assert any("nearly the same direction" in text for text in result.warnings)


@pytest.mark.real_data
def test_a_real_chest_from_the_golden_films(patient_data) -> None:
    """DRRs made by independent code, read with their geometry files."""
    from XRayLib.ct import load_ct
    from XRayLib.metrics.common_grid import coarsened, onto
    from XRayLib.metrics.intensity import psnr_3d
    from XRayLib.radiograph import load_radiograph

    names = ("p+000_s+000", "p+090_s+000", "p+030_s+000", "p-045_s+015")
    films = tuple(load_radiograph(patient_data / "golden" / f"lidc0001_{name}.nrrd") for name in names)
    result = run("cgls", Case(films, body_part="chest"), iterations=16)
    ct = coarsened(load_ct(patient_data / "ct" / "chest_lidc0001.nii.gz"))
    values, seen = onto(result.volume, ct)
    air = psnr_3d(ct.voxels[seen], np.full(int(seen.sum()), -1000.0))
    assert psnr_3d(ct.voxels[seen], values[seen]) > air + 4.0
    for n in range(1, 5):
        assert result.quality[f"reprojection_residual_{n}"] < 0.5 * result.quality[f"start_residual_{n}"]
