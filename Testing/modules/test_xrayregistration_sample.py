"""The bundled case: from the button, and from Slicer's Sample Data module; registered as a newcomer does."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")

import slicer
from modules.films import a_film
from XRayLib.metrics.pose import target_grid, target_registration_errors_mm
from XRayLib.phantom.moved_sample import sample_ct_to_world
from XRayLib.scene.matrices import local_to_world
from XRayLib.scene.radiograph_nodes import put_radiograph
from XRayLib.scene.volume_nodes import volume_from_node

pytestmark = pytest.mark.slicer


def test_the_button_loads_a_ct_a_liver_that_moves_with_it_and_two_films(registration, client) -> None:
    widget = registration
    widget.ui.sampleButton.click()
    for angle, view in ((0.0, "PA"), (90.0, "LL")):
        client.answer(type("Loaded", (), {"radiograph": a_film(angle, view)}))
    paths = [asked for kind, asked in client.asked if kind == "load_radiograph"]
    assert [path.rpartition("/")[2] for path in paths] == ["moved_torso_pa.dcm", "moved_torso_lateral.dcm"]
    node = widget.panel.parameterNode
    assert node.ctVolume.GetName() == "Torso CT"
    liver = slicer.util.getNode("Liver")
    assert liver.GetTransformNodeID() == node.poseTransform.GetID() == node.ctVolume.GetTransformNodeID()
    assert [widget.ui.attachedList.item(row).text() for row in range(widget.ui.attachedList.count)] == ["Liver"]
    assert widget.ui.applyButton.enabled
    assert not widget.ui.sampleButton.enabled
    assert "Remove the X-rays" in widget.ui.sampleButton.toolTip


def test_the_sample_does_not_join_another_patients_films(registration) -> None:
    widget = registration
    assert widget.ui.sampleButton.enabled
    widget.panel.addFilm(put_radiograph(a_film(), "Patient"))
    assert not widget.ui.sampleButton.enabled
    widget.panel.films.rows[0].removeButton.click()
    assert widget.ui.sampleButton.enabled


def test_the_sample_is_registered_where_the_patient_lies(slicer_main_window, load_module) -> None:
    load_module("X2CTRecon")
    load_module("XRayRegistration")
    widget = slicer_main_window.open_module("XRayRegistration")
    widget.panel.parameterNode.showVolumeRendering = False
    widget.ui.sampleButton.click()
    slicer_main_window.wait_until(lambda: len(widget.panel.filmNodes()) == 2)
    widget.ui.applyButton.click()
    slicer_main_window.wait_until(lambda: not widget.panel.runs.bar.running)
    ct = widget.panel.parameterNode.ctVolume
    volume = volume_from_node(ct, in_world=False)
    errors = target_registration_errors_mm(local_to_world(ct), sample_ct_to_world(volume), target_grid(volume))
    assert errors.mean() < 1.0
    assert np.linalg.norm(local_to_world(ct)[:3, 3]) > 10
    assert "sure" in widget.ui.cardLabel.text
    widget.panel.close()


def test_slicers_sample_data_module_offers_the_case(slicer_main_window, load_module) -> None:
    load_module("X2CTRecon")
    load_module("XRayRegistration")
    slicer_main_window.finish_startup()
    sources = {source.sampleName: source for source in slicer.modules.sampleDataSources["XRay3D"]}
    assert set(sources) >= {"TorsoRadiographs", "MovedTorso"}
    nodes = sources["MovedTorso"].customDownloader(sources["MovedTorso"])
    assert [node.GetName() for node in nodes] == ["Torso CT", "Liver", "moved_torso_pa", "moved_torso_lateral"]
