"""The view of a chest is recognised, and which way the patient faces."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawn_radiographs import DicomFile
from XRayLib.geometry import assumed_film_geometry
from XRayLib.radiograph import Radiograph, load_radiograph, radiograph_from_array
from XRayLib.radiograph.chest_view import SURE, recognise_view

FILM_VIEWS = {
    "pair04_front": "PA",
    "pair04_lat": "RL",
    "pair12_front": "PA",
    "pair12_lat": "RL",
    "pair14_front": "PA",
    "pair14_lat": "LL",
    "pair16_front": "PA",
    "pair16_lat": "LL",
    "pair18_front": "PA",
    "pair18_lat": "LL",
    "pair20_front": "PA",
    "pair20_lat": "RL",
    "pair22_front": "PA",
    "pair22_lat": "LL",
}
"""Read by eye: on a lateral, from spine and sternum."""


@pytest.fixture(scope="module")
def torso_films() -> dict[str, Radiograph]:
    """The procedural torso as three standard views."""
    from XRayLib.phantom import torso_phantom
    from XRayLib.simulate import simulate_radiograph

    ct = torso_phantom(seed=0, spacing_mm=4.0).ct
    return {
        view: simulate_radiograph(ct, assumed_film_geometry(view, (256, 256), (1.7, 1.7)))
        for view in ("PA", "LL", "RL")
    }


@pytest.mark.parametrize("view", ["PA", "LL", "RL"])
def test_views_of_the_torso_phantom_are_recognised(torso_films: dict[str, Radiograph], view: str) -> None:
    film = torso_films[view].line_integral
    guess = recognise_view(film)
    assert guess.view == view
    assert guess.confidence > SURE


@pytest.mark.parametrize(("view", "mirrored"), [("PA", "PA"), ("LL", "RL"), ("RL", "LL")])
def test_mirrored_film_faces_the_other_way(torso_films: dict[str, Radiograph], view: str, mirrored: str) -> None:
    film = np.ascontiguousarray(torso_films[view].line_integral[:, ::-1])
    assert recognise_view(film).view == mirrored


@pytest.mark.parametrize("curve", [lambda x: x**0.5, lambda x: x**1.5, lambda x: np.tanh(x / 3)])
def test_display_curve_does_not_change_the_view(torso_films: dict[str, Radiograph], curve: object) -> None:
    for view, film in torso_films.items():
        assert recognise_view(curve(film.line_integral)).view == view  # type: ignore[operator]


@pytest.mark.parametrize("negative", [False, True])
def test_array_without_geometry_gets_the_recognised_view(torso_films: dict[str, Radiograph], negative: bool) -> None:
    for view, film in torso_films.items():
        shown = np.rint(255 * film.line_integral / film.line_integral.max()).astype(np.uint8)
        loaded = radiograph_from_array(255 - shown if negative else shown)
        assert loaded.view == view
        assert any("recognised" in sentence for sentence in loaded.assumptions)
        assert any(sentence.startswith("Geometry assumed") for sentence in loaded.assumptions)


def test_what_is_no_trunk_is_not_recognised_and_said() -> None:
    stripes = np.tile(np.sin(np.linspace(0, 40, 256)), (256, 1)) + np.linspace(0, 1, 256)[:, None]
    guess = recognise_view(stripes)
    assert guess.view == ""
    assert "PA was assumed" in guess.sentence


@pytest.mark.real_data
@pytest.mark.parametrize("name", FILM_VIEWS)
def test_real_films_are_recognised(patient_data: Path, name: str) -> None:
    film = load_radiograph(patient_data / "xray" / "chest_pairs" / f"{name}.jpg")
    assert film.view == FILM_VIEWS[name]
    assert "Bone was judged to be bright." in film.assumptions
    assert film.geometry.assumed
    assert np.percentile(film.line_integral, 99.5) > 4


@pytest.mark.parametrize(("body_part", "view"), [("CHEST", "LL"), (None, "LL"), ("HIP", "PA")])
def test_dicom_film_that_does_not_state_its_view(
    torso_films: dict[str, Radiograph], dicom_file: DicomFile, body_part: str | None, view: str
) -> None:
    film = torso_films["LL"].line_integral
    stored = np.rint(4000 * film / film.max()).astype(np.uint16)
    loaded = load_radiograph(dicom_file(stored, ViewPosition=None, BodyPartExamined=body_part))
    assert loaded.view == view
    assert any("taken as LL" in s or "PA was assumed" in s for s in loaded.assumptions)
    assert load_radiograph(dicom_file(stored, ViewPosition=None), view="RL").view == "RL"
