"""Which X-ray is shown in which view, what is drawn there, and the choice when there are more X-rays than views."""

from __future__ import annotations

import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")

import slicer
from modules.films import a_ct, a_film
from XRayLib.scene.film_views import film_view_ids, view_of_film
from XRayLib.scene.radiograph_nodes import put_radiograph
from XRayLib.scene.volume_nodes import put_volume

pytestmark = pytest.mark.slicer

VIEWS = ("XRay1", "XRay2", "XRay3", "XRay4")


@pytest.fixture
def widget(registration):
    return registration


def add_films(widget, count: int) -> list:
    for number in range(1, count + 1):
        widget.panel.addFilm(put_radiograph(a_film(15.0 * number, "oblique"), f"Film {number}"))
    return widget.panel.filmNodes()


def in_views() -> list[str]:
    """Names of the films in the views that the layout shows."""
    shown = slicer.app.layoutManager().layout - 5930
    logics = [slicer.app.layoutManager().sliceWidget(tag).sliceLogic() for tag in VIEWS[:shown]]
    volumes = [slicer.mrmlScene.GetNodeByID(logic.GetSliceCompositeNode().GetBackgroundVolumeID()) for logic in logics]
    return [volume.GetName() for volume in volumes]


def overlay_of(film) -> str:
    return view_of_film(film).GetSliceCompositeNode().GetForegroundVolumeID()


def box(widget, number: int):
    return widget.panel.films.rows[number - 1].viewCheckBox


def is_offered(check_box) -> bool:
    return not check_box.isHidden()


def test_up_to_four_films_all_have_a_view_and_there_is_nothing_to_choose(widget) -> None:
    add_films(widget, 4)
    assert in_views() == ["Film 1", "Film 2", "Film 3", "Film 4"]
    assert not any(is_offered(box(widget, number)) for number in range(1, 5))
    assert not widget.ui.filmsHintLabel.isVisibleTo(widget.ui.filmsCollapsibleButton)


def test_no_layout_is_more_than_three_views_wide_and_each_has_the_slices() -> None:
    from xml.etree import ElementTree

    from XRayLib.scene.layout import layout_description

    for films in range(1, 5):
        root = ElementTree.fromstring(layout_description(films))
        rows = [row for row in root.iter("layout") if row.get("type") == "horizontal"]
        assert max(len(row) for row in rows) <= 3
        tags = [view.get("singletontag") for view in root.iter("view")]
        assert sorted(tags) == sorted([*VIEWS[:films], "1", "Red", "Yellow", "Green"])


def test_of_more_films_the_user_is_told_which_have_no_view_and_chooses(widget) -> None:
    films = add_films(widget, 6)
    assert in_views() == ["Film 1", "Film 2", "Film 3", "Film 4"]
    assert [box(widget, number).checked for number in range(1, 7)] == [True] * 4 + [False] * 2
    assert all(is_offered(box(widget, number)) for number in range(1, 7))
    assert "4 of 6" in widget.ui.filmsHintLabel.text
    box(widget, 6).click()
    assert in_views() == ["Film 1", "Film 2", "Film 3", "Film 6"]
    assert not box(widget, 4).checked
    for number in (1, 2, 3):
        box(widget, number).click()
    assert in_views() == ["Film 6"]
    box(widget, 6).click()  # one film always has a view
    assert in_views() == ["Film 6"]
    assert box(widget, 6).checked
    assert view_of_film(films[0]) is None


def test_every_film_is_used_and_every_reprojection_lies_over_its_own_film(widget) -> None:
    films = add_films(widget, 5)
    widget.panel.parameterNode.ctVolume = put_volume(a_ct(), "CT")
    assert "X-ray 5" in widget.ui.qualityLabel.text
    box(widget, 2).click()
    box(widget, 5).click()
    assert in_views() == ["Film 1", "Film 3", "Film 4", "Film 5"]
    for film in (films[0], films[2], films[3], films[4]):
        assert overlay_of(film) == film.GetNodeReferenceID("XRay3DReprojection")


def test_contours_go_to_the_films_own_view(widget) -> None:
    films = add_films(widget, 5)
    widget.panel.parameterNode.ctVolume = put_volume(a_ct(), "CT")
    combo = widget.ui.overlayModeComboBox
    combo.setCurrentIndex([combo.itemText(index) for index in range(combo.count)].index("Contours of the CT"))
    box(widget, 1).click()
    box(widget, 5).click()
    expected = {2: "XRay1", 3: "XRay2", 4: "XRay3", 5: "XRay4"}
    for number, tag in expected.items():
        display = films[number - 1].GetNodeReference("XRay3DContour").GetDisplayNode()
        assert display.GetViewNodeIDs()[0] == f"vtkMRMLSliceNode{tag}"
    assert film_view_ids(films[0], with_3d=False) == []
    hidden = films[0].GetNodeReference("XRay3DContour").GetDisplayNode()
    assert not any("SliceNode" in view for view in hidden.GetViewNodeIDs())


def test_without_its_first_film_the_next_one_takes_the_view_with_its_own_overlay(widget) -> None:
    first, second = add_films(widget, 2)
    widget.panel.parameterNode.ctVolume = put_volume(a_ct(), "CT")
    widget.panel.films.rows[0].removeButton.click()
    assert first.GetScene() is None
    assert in_views() == ["Film 2"]
    assert overlay_of(second) == second.GetNodeReferenceID("XRay3DReprojection")
    other = slicer.app.layoutManager().sliceWidget("XRay2").sliceLogic()
    assert other.GetSliceCompositeNode().GetBackgroundVolumeID() is None
    assert not other.GetSliceNode().GetSliceVisible()


def test_the_choice_comes_back_with_the_scene(widget, slicer_main_window, tmp_path) -> None:
    add_films(widget, 5)
    box(widget, 5).click()
    slicer_main_window.session.save_scene(tmp_path / "case.mrb")
    slicer.mrmlScene.Clear()
    slicer_main_window.session.load_scene(tmp_path / "case.mrb")
    slicer_main_window.process_events()
    assert [box(widget, number).checked for number in range(1, 6)] == [True, True, True, False, True]


def film_view():
    return slicer.app.layoutManager().sliceWidget("XRay1").sliceLogic()


def shows_the_whole_film() -> bool:
    field = film_view().GetSliceNode().GetFieldOfView()
    return min(field[:2]) == pytest.approx(64 * 6.0)


def test_a_film_fills_its_view_whatever_size_the_view_had_before(widget, slicer_main_window) -> None:
    add_films(widget, 1)
    for size in ((200, 400), (256, 256), (500, 120)):  # of a view in a layout that settles, of a window that grows
        film_view().ResizeSliceNode(*size)
        slicer_main_window.process_events()
        assert shows_the_whole_film()


def test_a_film_that_the_user_zoomed_stays_zoomed(widget, slicer_main_window) -> None:
    add_films(widget, 1)
    slicer_main_window.process_events()
    node = film_view().GetSliceNode()
    width, height, depth = node.GetFieldOfView()
    node.SetFieldOfView(width / 3, height / 3, depth)
    film_view().ResizeSliceNode(200, 400)
    slicer_main_window.process_events()
    assert node.GetFieldOfView()[1] == pytest.approx(height / 3)
