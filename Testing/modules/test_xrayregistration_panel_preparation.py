"""'Prepare this patient': state, progress, cancel, what it needs; the test plays the worker."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")

from modules.films import a_ct, a_film
from modules.registrations import RegistrationClient, open_registration
from XRayLib.scene.matrices import vtk_matrix
from XRayLib.scene.radiograph_nodes import put_radiograph
from XRayLib.scene.volume_nodes import put_volume

pytestmark = pytest.mark.slicer


@pytest.fixture
def clients() -> list[RegistrationClient]:
    return []


@pytest.fixture
def widget(slicer_main_window, load_module, clients, monkeypatch):
    def make() -> RegistrationClient:
        clients.append(RegistrationClient())
        clients[-1].state = {"pose-regression": {"bundle": None, "iterations": 120}}
        return clients[-1]

    monkeypatch.setattr("XRayLib.scene.panel.preparation.torch_installed", lambda: True)
    widget = open_registration(slicer_main_window, load_module, make, monkeypatch)
    widget.panel.parameterNode.ctVolume = put_volume(a_ct(), "CT")
    return widget


def open_section(widget) -> None:
    widget.ui.prepareCollapsibleButton.collapsed = False


def choose(widget, method: str) -> None:
    combo = widget.ui.prepareComboBox
    combo.setCurrentIndex([combo.itemData(index) for index in range(combo.count)].index(method))


def test_every_method_of_registration_that_is_prepared_can_be_chosen(widget) -> None:
    from XRayLib.prepared_method import PreparedMethod
    from XRayLib.registry import methods

    combo = widget.ui.prepareComboBox
    registers = [m for m in methods().values() if m.returns in ("pose", "deformation")]
    expected = {m.id for m in registers if isinstance(m, PreparedMethod)}
    assert {combo.itemData(index) for index in range(combo.count)} == expected
    assert expected == {"pose-regression", "scene-coordinates", "displacement-field"}


def test_no_second_worker_starts_before_the_section_is_opened(widget, clients) -> None:
    assert len(clients) == 1
    open_section(widget)
    assert len(clients) == 2


def test_the_state_is_told_for_the_chosen_method(widget) -> None:
    open_section(widget)
    choose(widget, "pose-regression")
    assert "120 iterations" in widget.ui.preparationLabel.text
    assert "continue" in widget.ui.preparationLabel.text
    choose(widget, "scene-coordinates")
    assert "Not prepared" in widget.ui.preparationLabel.text


def test_preparing_runs_in_a_worker_of_its_own_and_shows_progress(widget, clients) -> None:
    open_section(widget)
    choose(widget, "scene-coordinates")
    widget.ui.minutesSpinBox.value = 90
    widget.ui.prepareButton.click()
    registration, preparation = clients
    assert preparation.preparations == [("scene-coordinates", {"minutes": 90.0, "device": "auto"})]
    assert registration.preparations == []
    preparation._callbacks["on_progress"](0.25, "Training, iteration 300", 3600.0)
    ui = widget.ui
    assert ui.preparationProgressBar.value == 25
    assert ui.preparationStatusLabel.text == "Training, iteration 300, about 60 min left"
    assert not ui.prepareButton.enabled
    assert "running" in ui.prepareButton.toolTip
    assert ui.cancelPreparationButton.enabled
    widget.ui.translationRSlider.value = 5.0  # the panel stays usable
    assert widget.panel.parameterNode.poseTransform is not None


def test_a_finished_preparation_tells_its_measured_error(widget, clients) -> None:
    open_section(widget)
    choose(widget, "pose-regression")
    widget.ui.prepareButton.click()
    done = {"bundle": "/somewhere", "iterations": 900, "validation": {"mtre_mm": 6.25, "nominal_mtre_mm": 71.4}}
    clients[1].answer({"pose-regression": done})
    text = widget.ui.preparationLabel.text
    assert "900 iterations" in text
    assert "6.2 mm off" in text
    assert "71 mm without" in text
    assert widget.ui.prepareButton.enabled
    assert not widget.ui.preparationProgressBar.isVisibleTo(widget.parent)


def test_cancel_keeps_what_was_learned(widget, clients) -> None:
    open_section(widget)
    choose(widget, "pose-regression")
    widget.ui.prepareButton.click()
    widget.ui.cancelPreparationButton.click()
    assert clients[1].cancelled == 1
    clients[1].state = {"pose-regression": {"bundle": None, "iterations": 444}}
    clients[1].cancelled_by_user()
    assert "kept" in widget.ui.preparationStatusLabel.text
    assert "444 iterations" in widget.ui.preparationLabel.text
    assert widget.ui.prepareButton.enabled


def test_a_failure_is_told(widget, clients) -> None:
    open_section(widget)
    widget.ui.prepareButton.click()
    clients[1].fail(code="bad_input", message="The CT shows no body: choose another.")
    assert "no body" in widget.ui.preparationStatusLabel.text
    assert widget.ui.prepareButton.enabled


def test_without_a_ct_or_without_torch_the_tooltip_says_what_to_do(widget, monkeypatch) -> None:
    open_section(widget)
    widget.panel.parameterNode.ctVolume = None
    assert not widget.ui.prepareButton.enabled
    assert "Choose a CT" in widget.ui.prepareButton.toolTip
    monkeypatch.setattr("XRayLib.scene.panel.preparation.torch_installed", lambda: False)
    widget.panel.parameterNode.ctVolume = put_volume(a_ct(), "Other CT")
    assert not widget.ui.prepareButton.enabled
    assert "PyTorch extension" in widget.ui.prepareButton.toolTip


def test_a_preparation_outlives_the_scene_and_ends_with_the_application(widget, clients, slicer_main_window) -> None:
    open_section(widget)
    widget.ui.prepareButton.click()
    slicer_main_window.session.scene.Clear(0)
    assert clients[1].invalidated == 0
    assert widget.ui.cancelPreparationButton.enabled
    clients[1].answer({})
    assert "is prepared" in widget.ui.preparationStatusLabel.text
    widget.cleanup()
    assert clients[1].closed == 1


def test_the_patient_is_prepared_for_the_angles_of_the_films(widget, clients) -> None:
    for angle, view in ((0.0, "PA"), (43.0, "oblique"), (47.0, "oblique")):
        widget.panel.addFilm(put_radiograph(a_film(angle, view), view))
    open_section(widget)
    widget.ui.prepareButton.click()
    assert clients[1].preparations[0][1]["views_deg"] == [(0.0, 0.0), (45.0, 0.0)]


def test_what_was_begun_is_continued_after_the_ct_was_turned_a_little_but_not_after_it_was_laid_on_its_side(
    widget, clients
) -> None:
    widget.panel.addFilm(put_radiograph(a_film(0.0, "PA"), "PA"))
    open_section(widget)
    widget.ui.rotationSSlider.value = 20.0
    widget.ui.prepareButton.click()
    clients[1].cancelled_by_user()
    widget.ui.rotationSSlider.value = 90.0
    widget.ui.prepareButton.click()
    views = [settings["views_deg"] for _what, settings in clients[1].preparations]
    assert views[0] == [(0.0, 0.0)]
    assert [abs(primary) for primary, _secondary in views[1]] == [90.0]


def test_a_ct_under_a_scaling_transform_is_not_prepared_and_the_panel_says_why(widget) -> None:
    import slicer

    widget.panel.addFilm(put_radiograph(a_film(0.0, "PA"), "PA"))
    open_section(widget)
    scaling = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Scaling")
    scaling.SetMatrixTransformToParent(vtk_matrix(np.diag([2.0, 2.0, 2.0, 1.0])))
    widget.panel.parameterNode.ctVolume.SetAndObserveTransformNodeID(scaling.GetID())
    widget.panel.refresh()
    assert not widget.ui.prepareButton.enabled
    assert "scales or shears" in widget.ui.prepareButton.toolTip
