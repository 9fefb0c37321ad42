"""How the re-projected CT is laid over the films: blended, contours, checkerboard, difference; with the real worker."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")

from modules.films import a_ct, a_film
from XRayLib.radiograph import Radiograph
from XRayLib.scene.radiograph_nodes import put_radiograph
from XRayLib.scene.volume_nodes import put_volume

pytestmark = pytest.mark.slicer


@pytest.fixture
def case(slicer_main_window, load_module):
    """A CT that stands where its film shows it."""
    load_module("X2CTRecon")
    load_module("XRayRegistration")
    widget = slicer_main_window.open_module("XRayRegistration")
    from XRayLib.ct import Volume, attenuation_from_hu
    from XRayLib.projector import Projector

    ct = a_ct()
    ct = Volume(ct.voxels, ct.ijk_to_ras - np.pad(ct.center_ras_mm[:, None], ((0, 1), (3, 0))), "HU")
    geometry = a_film().geometry
    mu = Volume(attenuation_from_hu(ct.voxels), ct.ijk_to_ras, "mu_per_mm")
    image = Projector(mu, device="cpu").project([geometry])[0]
    widget.panel.addFilm(put_radiograph(Radiograph(image, geometry, view="PA"), "PA"))
    widget.panel.parameterNode.showVolumeRendering = False
    widget.panel.parameterNode.ctVolume = put_volume(ct, "CT")
    slicer_main_window.wait_until(lambda: "correlation" in widget.ui.qualityLabel.text)
    yield widget, slicer_main_window
    widget.panel.close()


def choose(widget, title: str) -> None:
    combo = widget.ui.overlayModeComboBox
    combo.setCurrentIndex([combo.itemText(index) for index in range(combo.count)].index(title))


def green_pixels(host) -> np.ndarray:
    picture = host.render_view("XRay1", (256, 256)).astype(int)
    return (picture[..., 1] > 150) & (picture[..., 0] < 120) & (picture[..., 2] < 150)


def composite():
    import slicer

    return slicer.app.layoutManager().sliceWidget("XRay1").sliceLogic().GetSliceCompositeNode()


def test_the_film_and_its_ct_agree_to_begin_with(case) -> None:
    widget, _host = case
    assert "correlation 1.000" in widget.ui.qualityLabel.text


def test_contours_lie_on_the_edges_and_follow_the_pose(case) -> None:
    widget, host = case
    assert not green_pixels(host).any()
    choose(widget, "Contours of the CT")
    before = green_pixels(host)
    assert before.sum() > 50
    film = host.render_view("XRay1", (256, 256)).mean(axis=2)
    rows, columns = np.nonzero(before)
    # The block's outline: one side of the line is the block, the other is air.
    assert np.median(np.abs(columns - 128).clip(np.abs(rows - 128))) > 25
    assert film[128, 128] > film[128, 20] + 50
    widget.ui.translationRSlider.value = 60.0
    host.wait_until(lambda: green_pixels(host).any() and np.nonzero(green_pixels(host))[1].mean() < columns.mean() - 15)
    choose(widget, "Blend")
    assert not green_pixels(host).any()


def test_contours_are_drawn_in_their_own_film_and_in_3d_only(case) -> None:
    widget, _host = case
    choose(widget, "Contours of the CT")
    node = widget.panel.filmNodes()[0].GetNodeReference("XRay3DContour")
    assert list(node.GetDisplayNode().GetViewNodeIDs()) == ["vtkMRMLSliceNodeXRay1", "vtkMRMLViewNode1"]
    assert node.GetHideFromEditors()


def test_the_slider_blends_and_says_when_it_cannot(case) -> None:
    widget, _host = case
    widget.ui.overlaySlider.value = 0.8
    assert composite().GetForegroundOpacity() == pytest.approx(0.8)
    choose(widget, "Contours of the CT")
    assert not widget.ui.overlaySlider.enabled
    assert "Blend" in widget.ui.overlaySlider.toolTip
    assert composite().GetForegroundVolumeID() is None
    choose(widget, "Blend")
    assert composite().GetForegroundOpacity() == pytest.approx(0.8)


def test_the_difference_is_dark_where_they_agree_and_colored_where_not(case) -> None:
    widget, host = case
    choose(widget, "Difference")
    assert host.render_view("XRay1", (256, 256)).mean() < 12
    widget.ui.translationRSlider.value = 40.0
    host.wait_until(lambda: host.render_view("XRay1", (256, 256)).mean() > 15)
    picture = host.render_view("XRay1", (256, 256)).astype(int)
    orange = picture[..., 0] > picture[..., 2] + 60
    blue = picture[..., 2] > picture[..., 0] + 60
    assert orange.sum() > 100
    assert blue.sum() > 100
    assert np.nonzero(blue)[1].mean() < np.nonzero(orange)[1].mean()  # the CT went to the image's left


def test_the_checkerboard_is_seamless_where_they_agree(case) -> None:
    import slicer

    widget, host = case
    choose(widget, "Checkerboard")
    film = widget.panel.filmNodes()[0]
    board = film.GetNodeReference("XRay3DComparison")

    def deviation() -> float:
        shown = slicer.util.arrayFromVolume(board)[0]
        return float(np.abs(shown - slicer.util.arrayFromVolume(film)[0]).max())

    assert composite().GetForegroundVolumeID() == board.GetID()
    assert composite().GetForegroundOpacity() == 1.0
    assert deviation() < 0.01
    widget.ui.translationRSlider.value = 40.0
    host.wait_until(lambda: deviation() > 0.5)


def test_removing_the_film_removes_what_was_drawn_over_it(case) -> None:
    import slicer

    widget, _host = case
    for mode in ("Contours of the CT", "Checkerboard"):
        choose(widget, mode)
    widget.panel.films.rows[0].removeButton.click()
    for name in ("PA contours", "PA comparison", "PA re-projection of CT", "PA set-up"):
        assert slicer.mrmlScene.GetFirstNodeByName(name) is None
