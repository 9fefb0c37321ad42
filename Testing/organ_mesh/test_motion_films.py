"""Films of a moving patient show the organ where the truth says it is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from motion_cases import small
from XRayLib.canonical_view.contrast import two_contrasts
from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry
from XRayLib.motion import MotionModel
from XRayLib.preparation import film_stream, motion_films
from XRayLib.preparation.motion_films import MotionFilm, MotionFilms, moved_tissue, organ_window
from XRayLib.preparation.motion_settings import MotionPreparationSettings


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Films are the line integrals themselves."""
    monkeypatch.setattr(motion_films, "drawn_film", lambda soft, bone, *_: (soft + bone, np.ones(soft.shape, bool)))
    monkeypatch.setattr(motion_films, "disturbed", lambda image, known, _: (image, known))


def test_a_film_shows_the_deformed_patient_in_its_geometry(motion: MotionModel, plain: None) -> None:
    grid = (motion.ct.voxels.shape, motion.ct.ijk_to_ras)
    films = MotionFilms(motion, organ_window(motion.organ.points), small(batch=4), grid).batch(0)
    for film in films:
        true_view = film.geometry.moved(film.true_to_assumed)
        agreements = [agreement(film, motion, view) for view in (true_view, film.geometry)]
        assert agreements[0] > 0.98
        assert agreements[0] > agreements[1]
        # The organ: carried by the field, then seen from where the CT is assumed to lie.
        now = film.field.moved(motion.organ.points)
        assumed = now @ film.true_to_assumed[:3, :3].T + film.true_to_assumed[:3, 3]
        np.testing.assert_allclose(film.organ_ras_mm, assumed, atol=1e-6)
        np.testing.assert_allclose(film.geometry.project(film.organ_ras_mm), true_view.project(now), atol=1e-6)


def agreement(film: MotionFilm, motion: MotionModel, view: XRayGeometry) -> float:
    """Correlation of the film with the deformed patient seen in a view."""
    soft, bone = moved_tissue(motion, film.field, [view], "cpu")
    expected = two_contrasts(soft[0] + bone[0], np.ones(soft[0].shape, bool))
    return float(np.corrcoef(film.contrasts[0].ravel(), expected[0].ravel())[0, 1])


def test_the_window_is_about_the_organ_where_it_is_assumed(motion: MotionModel) -> None:
    window = organ_window(motion.organ.points)
    for film in MotionFilms(motion, window, small(batch=8)).batch(1):
        np.testing.assert_allclose(film.geometry.project(window.middle_ras_mm)[0], [31.5, 31.5], atol=1e-6)
        start = film.geometry.project(motion.organ.points)
        assert start.min() > 0
        assert start.max() < 63
        assert film.field is None


def test_pose_errors_keep_to_their_ranges(motion: MotionModel) -> None:
    settings = small(batch=32, shift_range_mm=5.0, depth_range_mm=10.0, pose_rotation_deg=3.0)
    films = MotionFilms(motion, organ_window(motion.organ.points), settings).batch(0)
    middle = organ_window(motion.organ.points).middle_ras_mm
    offsets = np.array([f.true_to_assumed[:3, :3] @ middle + f.true_to_assumed[:3, 3] - middle for f in films])
    assert 4.0 < np.linalg.norm(offsets, axis=1).max() <= np.sqrt(150.0)
    angles = [np.rad2deg(np.arccos(np.clip((np.trace(f.true_to_assumed[:3, :3]) - 1) / 2, -1, 1))) for f in films]
    assert 1.0 < max(angles) <= 3.0 * np.sqrt(3)


def test_a_batch_is_the_same_whenever_and_by_whomever_it_is_made(motion: MotionModel) -> None:
    window = organ_window(motion.organ.points)
    in_turn = MotionFilms(motion, window, small())
    films = [in_turn.batch(n) for n in range(3)][2]
    with ThreadPoolExecutor(2) as pool:
        shared = MotionFilms(motion, window, small()).batch(2, pool)
    for a, b in zip(films, shared, strict=True):
        np.testing.assert_array_equal(a.contrasts, b.contrasts)
        np.testing.assert_array_equal(a.organ_ras_mm, b.organ_ras_mm)
    other = MotionFilms(motion, window, small(seed=1)).batch(2)
    assert not np.array_equal(other[0].organ_ras_mm, films[0].organ_ras_mm)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"modes": 0}, "at least one mode"),
        ({"modes": 9, "states": 9}, "more states than modes"),
        ({"pose_rotation_deg": 60}, "error of the pose"),
        ({"views_per_state": 0}, "at least one view"),
        ({"width": 6}, "multiple of 8"),
        ({"output_stride": 4}, "Unknown settings"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(settings: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        MotionPreparationSettings.from_mapping(settings)


def test_both_streams_disturb_films_alike() -> None:
    assert motion_films.drawn_film is film_stream.drawn_film
    assert motion_films.disturbed is film_stream.disturbed
