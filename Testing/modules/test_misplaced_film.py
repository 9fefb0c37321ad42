"""A film under a transform that no X-ray can be under: it is said, nothing breaks, and it is well again without it."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")

import slicer
from modules.reconstructions import add_two_films
from modules.registrations import shifted
from XRayLib.scene.matrices import vtk_matrix

pytestmark = pytest.mark.slicer


@pytest.fixture(params=["reconstruction", "registration_case"])
def panel(request):
    """Either module's, with two films."""
    widget = request.getfixturevalue(request.param)
    if request.param == "reconstruction":
        add_two_films(widget)
    return widget.panel


def scaling() -> object:
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", "Scaled")
    transform.SetMatrixTransformToParent(vtk_matrix(np.diag([2.0, 1.0, 1.0, 1.0])))
    return transform


def bending() -> object:
    import vtk

    warp = vtk.vtkThinPlateSplineTransform()
    points = [vtk.vtkPoints(), vtk.vtkPoints()]
    for corner in ((0, 0, 0), (100, 0, 0), (0, 100, 0), (0, 0, 100)):
        points[0].InsertNextPoint(corner)
        points[1].InsertNextPoint(tuple(value * 1.1 + 5 * (value > 0) for value in corner))
    warp.SetSourceLandmarks(points[0])
    warp.SetTargetLandmarks(points[1])
    warp.SetBasisToR()
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", "Bent")
    transform.SetAndObserveTransformFromParent(warp)
    return transform


@pytest.mark.parametrize(("make", "words"), [(scaling, "scales or shears"), (bending, "non-linear")])
def test_the_row_and_apply_say_what_is_wrong_until_the_transform_is_gone(
    panel, make, words, slicer_main_window
) -> None:
    film, row = panel.filmNodes()[0], panel.films.rows[0]
    film.SetAndObserveTransformNodeID(make().GetID())
    slicer_main_window.wait_until(lambda: words in row.assumptions.text)
    assert not panel.ui.applyButton.enabled
    assert words in panel.ui.applyButton.toolTip
    film.SetAndObserveTransformNodeID(None)
    slicer_main_window.wait_until(lambda: words not in row.assumptions.text)
    assert "source at 1020 mm" in row.geometry.text
    assert words not in panel.ui.applyButton.toolTip


def test_the_module_opens_with_such_a_film(panel) -> None:
    panel.filmNodes()[0].SetAndObserveTransformNodeID(bending().GetID())
    node = panel.parameterNode
    panel.setParameterNode(None)
    panel.setParameterNode(node)
    panel.leave()
    panel.enter()
    panel.showFilms()
    assert panel.parameterNode is node
    assert [row.node for row in panel.films.rows] == panel.filmNodes()
    assert panel.films.rows[0].title.text == panel.filmNodes()[0].GetName()
    assert "non-linear" in panel.films.rows[0].assumptions.text


def test_such_a_film_has_no_view_and_the_others_have(panel, slicer_main_window) -> None:
    bent, well = panel.filmNodes()
    bent.SetAndObserveTransformNodeID(bending().GetID())
    panel.showFilms()
    shown = slicer.app.layoutManager().sliceWidget("XRay1").sliceLogic().GetSliceCompositeNode()
    assert shown.GetBackgroundVolumeID() == well.GetID()


def test_the_view_of_a_film_follows_a_rigid_transform_above_it(panel, slicer_main_window) -> None:
    film = panel.filmNodes()[0]
    slice_node = slicer.app.layoutManager().sliceWidget("XRay1").mrmlSliceNode()
    before = slice_node.GetSliceToRAS().GetElement(0, 3)
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", "Moved")
    film.SetAndObserveTransformNodeID(transform.GetID())
    transform.SetMatrixTransformToParent(vtk_matrix(shifted(30.0)))
    slicer_main_window.wait_until(lambda: abs(slice_node.GetSliceToRAS().GetElement(0, 3) - before - 30.0) < 1e-6)
