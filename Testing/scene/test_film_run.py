"""A run of X-rays shows every frame's pixels and exposed field, also from a saved scene, and goes as a whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")

from XRayLib.geometry import assumed_film_geometry
from XRayLib.radiograph import Radiograph
from XRayLib.scene.film_run import put_film_run, remove_run
from XRayLib.scene.headless import HeadlessSlicer
from XRayLib.scene.radiograph_nodes import film_version, radiograph_from_node, remove_film

pytestmark = pytest.mark.slicer


@pytest.fixture
def session():
    with HeadlessSlicer() as headless:
        yield headless


def frame(number: int, mask: np.ndarray | None = None) -> Radiograph:
    return Radiograph(np.full((6, 8), number, np.float32), assumed_film_geometry("PA", (8, 6)), mask, view="PA")


def field(columns: int) -> np.ndarray:
    mask = np.zeros((6, 8), bool)
    mask[:, :columns] = True
    return mask


FRAMES = (frame(0), frame(1, field(3)), frame(2, field(5)), frame(3))


def shown(browser, film) -> list[tuple[float, int]]:
    """Value and exposed pixels of every frame, there and back."""
    found = []
    for index in (0, 1, 2, 3, 1, 0):
        browser.SetSelectedItemNumber(index)
        radiograph = radiograph_from_node(film)
        found.append((float(radiograph.line_integral[0, 0]), int(radiograph.mask.sum())))
    return found


EXPECTED = [(0.0, 48), (1.0, 18), (2.0, 30), (3.0, 48), (1.0, 18), (0.0, 48)]


def test_every_frame_has_its_own_exposed_field(session) -> None:
    assert shown(*put_film_run("Run", FRAMES)) == EXPECTED


def test_so_it_has_in_a_saved_scene(session, tmp_path) -> None:
    put_film_run("Run", FRAMES)
    session.save_scene(tmp_path / "run.mrb")
    session.clear()
    session.load_scene(tmp_path / "run.mrb")
    scene = session.scene
    browser = scene.GetFirstNodeByClass("vtkMRMLSequenceBrowserNode")
    assert shown(browser, scene.GetFirstNodeByName("Run")) == EXPECTED


def test_a_run_without_collimators_has_no_masks(session) -> None:
    _browser, film = put_film_run("Run", [frame(0), frame(1)])
    assert radiograph_from_node(film).mask is None
    assert session.scene.GetNumberOfNodesByClass("vtkMRMLLabelMapVolumeNode") == 0


def test_another_exposed_field_is_another_version_of_the_film(session) -> None:
    same = replace(FRAMES[1], mask=field(4))
    browser, film = put_film_run("Run", [FRAMES[1], same])
    first = film_version(film)
    browser.SetSelectedItemNumber(1)
    assert film_version(film) != first


@pytest.mark.parametrize("masked", [True, False])
def test_a_run_goes_as_a_whole(session, masked) -> None:
    before = session.scene.GetNumberOfNodes()
    _browser, film = put_film_run("Run", FRAMES if masked else FRAMES[:1])
    remove_run(film)
    remove_film(film)
    kinds = ("Sequence", "SequenceBrowser", "LabelMapVolume", "ScalarVolume")
    assert [session.scene.GetNumberOfNodesByClass(f"vtkMRML{kind}Node") for kind in kinds] == [0, 0, 0, 0]
    assert session.scene.GetNumberOfNodes() - before <= 2  # what the scene itself makes for sequences and volumes


def test_the_other_films_of_a_browser_stay(session) -> None:
    browser, first = put_film_run("First", FRAMES)
    _same, second = put_film_run("Second", FRAMES, browser)
    remove_run(first)
    remove_film(first)
    assert browser.GetScene() is not None
    assert shown(browser, second) == EXPECTED
