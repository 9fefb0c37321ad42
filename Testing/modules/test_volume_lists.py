"""Where a volume is chosen no film is listed, and none takes the place of a volume that was deleted."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")

from modules.films import a_ct, a_film
from XRayLib.ct import Volume
from XRayLib.scene.radiograph_nodes import put_radiograph
from XRayLib.scene.volume_nodes import put_volume

pytestmark = pytest.mark.slicer


@pytest.fixture
def panel(slicer_main_window, load_module):
    load_module("X2CTRecon")
    widget = slicer_main_window.open_module("X2CTRecon")
    yield widget.panel
    widget.panel.close()


def listed(selector) -> list[str]:
    return [selector.nodeFromIndex(n).GetName() for n in range(selector.nodeCount())]


@pytest.mark.parametrize("name", ["ctSelector", "outputSelector", "compareFirstSelector", "compareReferenceSelector"])
def test_volumes_are_listed_and_films_are_not(panel, slicer_main_window, name: str) -> None:
    put_volume(a_ct(), "CT")
    panel.addFilm(put_radiograph(a_film(0.0, "PA"), "Front"))
    assert listed(getattr(panel.ui, name)) == ["CT"]
    put_radiograph(a_film(90.0, "LL"), "Side")
    slicer_main_window.wait_until(lambda: listed(getattr(panel.ui, name)) == ["CT"])


def test_a_film_does_not_take_the_place_of_a_deleted_ct(panel) -> None:
    import slicer

    panel.addFilm(put_radiograph(a_film(0.0, "PA"), "Front"))
    ct = put_volume(a_ct(), "CT")
    panel.addFilm(put_radiograph(a_film(90.0, "LL"), "Side"))
    panel.parameterNode.ctVolume = ct
    slicer.mrmlScene.RemoveNode(ct)
    assert panel.parameterNode.ctVolume is None


def test_a_film_that_a_script_chose_is_not_silently_replaced(panel) -> None:
    put_volume(a_ct(), "CT")
    film = put_radiograph(a_film(0.0, "PA"), "Front")
    panel.parameterNode.ctVolume = film
    assert panel.parameterNode.ctVolume is film
    panel.parameterNode.ctVolume = None
    assert listed(panel.ui.ctSelector) == ["CT"]


def test_what_has_slices_is_listed_however_thin(panel) -> None:
    put_volume(Volume(np.zeros((2, 5, 5), np.float32), np.eye(4)), "Thin")
    panel.refresh()
    assert listed(panel.ui.ctSelector) == ["Thin"]
