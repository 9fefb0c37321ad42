"""Training films are what their geometry says, and the same ones come again after a resume."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from conftest import tiny
from XRayLib.canonical_view.camera_frame import world_to_camera
from XRayLib.canonical_view.contrast import two_contrasts
from XRayLib.canonical_view.window import canonical_view
from XRayLib.ct import Volume
from XRayLib.metrics.pose import rotation_error_deg
from XRayLib.preparation import film_stream
from XRayLib.preparation.anatomy import Anatomy, anatomy_of
from XRayLib.preparation.film_stream import FilmStream, nominal_rotation
from XRayRegistrationLib.preparation.validation import known_film


@pytest.fixture(scope="module")
def anatomy(torso: Volume) -> Anatomy:
    return anatomy_of(torso, 64, "cpu")


def test_films_show_the_ct_in_their_geometry(anatomy: Anatomy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shift, scale and roll of an exposure are exact changes of the camera: without film physics both agree."""
    monkeypatch.setattr(film_stream, "drawn_film", lambda soft, bone, *_: (soft + bone, np.ones(soft.shape, bool)))
    monkeypatch.setattr(film_stream, "disturbed", lambda image, known, _: (image, known))
    for film in FilmStream(anatomy, tiny(batch=12)).batch(0):
        soft, bone = anatomy.tissue([film.geometry])
        known = film.contrasts[0] != 0
        direct = two_contrasts(soft[0] + bone[0], known)
        assert known.mean() > 0.5
        assert np.corrcoef(direct[0][known], film.contrasts[0][known])[0, 1] > 0.995


def test_a_batch_is_the_same_whenever_and_by_whomever_it_is_made(anatomy: Anatomy) -> None:
    in_turn = FilmStream(anatomy, tiny())
    batches = [in_turn.batch(n) for n in range(3)]
    with ThreadPoolExecutor(2) as pool:
        shared = FilmStream(anatomy, tiny()).batch(2, pool)
    for film, again in zip(batches[2], shared, strict=True):
        np.testing.assert_array_equal(film.contrasts, again.contrasts)
        np.testing.assert_array_equal(film.geometry.ras_to_pixel, again.geometry.ras_to_pixel)
    assert not np.array_equal(batches[0][0].contrasts, batches[1][0].contrasts)
    other_seed = FilmStream(anatomy, tiny(seed=1)).batch(0)[0]
    assert not np.array_equal(other_seed.contrasts, batches[0][0].contrasts)


def test_poses_fill_the_ranges_and_keep_to_them(anatomy: Anatomy) -> None:
    settings = tiny(batch=200, exposures=40, views_deg=[(20.0, 5.0)])
    nominal = nominal_rotation(20.0, 5.0)
    angles, depths = [], []
    for film in FilmStream(anatomy, settings).batch(0):
        np.testing.assert_allclose(film.nominal_rotation, nominal)
        _, pose = world_to_camera(film.geometry)
        turned = np.eye(4)
        turned[:3, :3] = pose[:3, :3] @ nominal.T
        angles.append(rotation_error_deg(np.eye(4), turned))
        depths.append((pose[:3, :3] @ anatomy.middle_ras_mm + pose[:3, 3])[2] - film.assumed_depth_mm)
    limit = settings.rotation_range_deg
    assert limit < max(angles) < limit * np.sqrt(3) + 1
    assert -settings.depth_range_mm - 1e-6 <= min(depths) < -80
    assert 80 < max(depths) <= settings.depth_range_mm + 1e-6


def test_training_and_use_see_films_alike(anatomy: Anatomy, torso: Volume) -> None:
    """A film that comes from outside, left-handed and fine, looks to a network like one of the training's."""
    settings = tiny(views_deg=[(0.0, 0.0)], validation_films=1)
    film = known_film(anatomy_of(torso, 256, "cpu"), settings, 0)
    assert film.realism == "none"
    view = canonical_view(film.radiograph, anatomy.window_mm, 64)
    soft, bone = anatomy.tissue([view.geometry.moved(film.ct_to_world)])
    direct = two_contrasts(soft[0] + bone[0], np.ones((64, 64), bool))
    assert np.corrcoef(direct[0].ravel(), view.contrasts[0].ravel())[0, 1] > 0.97
    assert np.corrcoef(direct[1].ravel(), view.contrasts[1].ravel())[0, 1] > 0.9
