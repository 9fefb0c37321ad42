"""An organ on X-rays from start to end, with the real worker: a small torso is prepared, found on a run, and undone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")
pytest.importorskip("torch", reason="preparing needs PyTorch")

import slicer
from modules.organs import a_segmentation
from vtk.util.numpy_support import vtk_to_numpy
from X2CTReconLib.mesh_preparation.prepare import prepare_mesh
from XRayLib.case import SurfaceMesh
from XRayLib.ct import Volume, attenuation_from_hu
from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry
from XRayLib.mesh import organ_template
from XRayLib.phantom.labels import LIVER
from XRayLib.phantom.torso import TorsoPhantom, torso_phantom
from XRayLib.projector import Projector
from XRayLib.radiograph import Radiograph
from XRayLib.scene.film_run import put_film_run
from XRayLib.scene.matrices import vtk_matrix
from XRayLib.scene.organ_contours import outlines_of
from XRayLib.scene.radiograph_nodes import put_radiograph
from XRayLib.scene.volume_nodes import put_volume
from XRayLib.scene.worker_session import blocking_client

pytestmark = pytest.mark.slicer

TINY = {
    "iterations": 2,
    "batch": 2,
    "width": 8,
    "input_px": 64,
    "exposures": 4,
    "exposures_per_batch": 1,
    "views_per_state": 1,
    "modes": 4,
    "states": 12,
    "validation_films": 2,
    "views_deg": [(0.0, 0.0)],
    "device": "cpu",
}
FRAMES = 3


@pytest.fixture(scope="module")
def torso() -> TorsoPhantom:
    return torso_phantom(3, 6.0)


@pytest.fixture(scope="module")
def template(torso: TorsoPhantom) -> SurfaceMesh:
    """The liver as the panel meshes it."""
    return organ_template(torso.labels, LIVER)


@pytest.fixture(scope="module")
def cache(torso: TorsoPhantom, template: SurfaceMesh, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache in which the liver is prepared."""
    folder = tmp_path_factory.mktemp("prepared")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XRAY3D_CACHE", str(folder))
        prepare_mesh(torso.ct, template, "organ-mesh", TINY)
    return folder


@pytest.fixture
def widget(slicer_main_window, load_module, torso, template, cache, monkeypatch):
    """The panel with CT, segmentation and a run of films of the liver in the CT."""
    monkeypatch.setenv("XRAY3D_CACHE", str(cache))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    load_module("X2CTRecon")
    widget = slicer_main_window.open_module("X2CTRecon")
    combo = widget.ui.methodComboBox
    combo.setCurrentIndex([combo.itemData(index) for index in range(combo.count)].index("organ-mesh"))
    browser, film = put_film_run("Run", films(torso, template.points.mean(axis=0)))
    widget.panel.addRun(browser, [film])
    widget.ui.ctSelector.setCurrentNode(put_volume(torso.ct, "Torso"))
    widget.ui.organSelector.setCurrentNode(a_segmentation(torso.labels, {"Liver": LIVER}))
    slicer_main_window.wait_until(lambda: widget.ui.applyButton.enabled)
    yield widget
    widget.panel.close()


@pytest.fixture
def logic(slicer_host, load_module, cache, monkeypatch):
    """The module's logic for scripts, with a worker that knows the cache."""
    monkeypatch.setenv("XRAY3D_CACHE", str(cache))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    load_module("X2CTRecon")
    from X2CTRecon import X2CTReconLogic

    blocking_client.cache_clear()
    yield X2CTReconLogic()
    blocking_client().close()
    blocking_client.cache_clear()


def films(torso: TorsoPhantom, middle: np.ndarray) -> list[Radiograph]:
    """Frontal films of the torso as it is in the CT, the C-arm moving up by 10 mm from frame to frame."""
    mu = Volume(attenuation_from_hu(torso.ct.voxels), torso.ct.ijk_to_ras, "mu_per_mm")
    found = []
    for frame in range(FRAMES):
        geometry = XRayGeometry.from_c_arm(
            primary_angle_deg=0.0,
            secondary_angle_deg=0.0,
            source_to_detector_mm=1020.0,
            source_to_isocenter_mm=700.0,
            size_px=(128, 128),
            pixel_spacing_mm=(3.0, 3.0),
            isocenter_ras_mm=middle + np.array((0.0, 0.0, 10.0 * frame)),
        )
        image = Projector(mu, device="cpu").project([geometry])[0]
        found.append(Radiograph(image.astype(np.float32), geometry, view="PA", source=f"frame {frame}"))
    return found


def test_a_run_gets_an_organ_per_frame_and_what_no_film_shows_is_refused(widget, slicer_main_window, template) -> None:
    host, panel = slicer_main_window, widget.panel
    assert "Prepared" in widget.ui.preparationLabel.text
    widget.ui.applyRunButton.click()
    host.wait_until(lambda: not panel.runs.bar.running)
    assert f"{FRAMES} of {FRAMES} frames done." in widget.ui.statusLabel.text
    node = panel.parameterNode
    for frame in range(FRAMES):
        node.sequenceBrowser.SetSelectedItemNumber(frame)
        surface = node.organNow.GetPolyData()
        points = vtk_to_numpy(surface.GetPoints().GetData())
        assert points.shape == template.points.shape
        moved = vtk_to_numpy(surface.GetPointData().GetArray("displacement_mm"))
        np.testing.assert_allclose(moved, np.linalg.norm(points - template.points, axis=1), atol=1e-2)
        assert all(line.GetPolyData().GetNumberOfLines() > 30 for line in outlines_of(panel.filmNodes()[0]))
    seconds = [float(widget.ui.frameTable.item(row, 4).text().split()[0]) for row in range(FRAMES)]
    assert seconds[0] > min(seconds[1:])  # CT and network came with the first frame only
    widget.ui.undoButton.click()
    slicer.modules.sequences.logic().UpdateAllProxyNodes()
    assert node.organNow is None
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSequenceNode") == 1
    away = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Away")
    matrix = np.eye(4)
    matrix[0, 3] = 3000.0
    away.SetMatrixTransformToParent(vtk_matrix(matrix))
    widget.ui.poseSelector.setCurrentNode(away)
    widget.ui.applyButton.click()
    host.wait_until(lambda: not panel.runs.bar.running)
    assert "does not show the organ" in widget.ui.statusLabel.text
    assert node.organNow is None


def test_a_script_finds_the_organ(logic, torso, template) -> None:
    ct, organ = put_volume(torso.ct, "Torso"), a_segmentation(torso.labels, {"Liver": LIVER})
    film = put_radiograph(films(torso, template.points.mean(axis=0))[0], "PA")
    model = logic.findOrgan(ct, organ, [film], options={"refine": False})
    points = vtk_to_numpy(model.GetPolyData().GetPoints().GetData())
    moved = vtk_to_numpy(model.GetPolyData().GetPointData().GetArray("displacement_mm"))
    np.testing.assert_allclose(moved, np.linalg.norm(points - template.points, axis=1), atol=1e-2)
    assert model.GetAttribute("XRay3D.Organ") == "Liver"
    before = slicer.mrmlScene.GetNumberOfNodes()
    with pytest.raises(InputError, match="has not been trained"):
        logic.findOrgan(ct, organ, [film], method="igcn")
    assert slicer.mrmlScene.GetNumberOfNodes() == before
