"""A result appears whole, with geometry, units, provenance and folder, or not at all."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")

from XRayLib.case import Result, View
from XRayLib.ct import Volume
from XRayLib.geometry import XRayGeometry
from XRayLib.radiograph import Radiograph
from XRayLib.scene.confidence_nodes import UNCERTAINTY_ROLE
from XRayLib.scene.film_views import show_films, show_in_slices
from XRayLib.scene.layout import switch_to_film_layout
from XRayLib.scene.matrices import vtk_matrix
from XRayLib.scene.radiograph_nodes import put_radiograph, remove_film
from XRayLib.scene.reprojection_nodes import reprojection_of, residual_of
from XRayLib.scene.show_result import put_result
from XRayLib.scene.volume_nodes import show_volume_rendering, volume_from_node

pytestmark = pytest.mark.slicer


def a_view(primary: float) -> View:
    geometry = XRayGeometry.from_c_arm(
        primary_angle_deg=primary,
        secondary_angle_deg=0.0,
        source_to_detector_mm=1000.0,
        source_to_isocenter_mm=700.0,
        size_px=(48, 48),
        pixel_spacing_mm=(6.0, 6.0),
    )
    image = np.zeros((48, 48), np.float32)
    image[8:20, 30:44] = 2.0  # towards the head and the image's right
    return View(Radiograph(image, geometry, view="PA"), image * 0.5, (2.0, 0.0), 0.1)


def a_result(views: tuple[View, ...]) -> Result:
    voxels = np.full((32, 32, 32), -1000, np.float32)
    voxels[10:24, 12:20, 12:20] = 700
    volume = Volume.axis_aligned(voxels, (6.0, 6.0, 6.0), (5.0, 0.0, 20.0))
    return Result("x2ct-cnn", volume, views=views, quality={"psnr": 1.0}, warnings=("w",), provenance={"seed": 3})


def put(session, **options):
    views = (a_view(0.0), a_view(90.0))
    films = [put_radiograph(view.radiograph, f"Film {index}") for index, view in enumerate(views)]
    return films, put_result(a_result(views), films, **options)


def test_a_film_that_was_removed_meanwhile_costs_its_re_projection_alone(session) -> None:
    views = (a_view(0.0), a_view(90.0))
    films = [put_radiograph(view.radiograph, f"Film {index}") for index, view in enumerate(views)]
    remove_film(films[0])
    shown = put_result(a_result(views), films, with_residual=True)
    assert len(shown.reprojections) == len(shown.residuals) == 1
    assert shown.volume.GetScene() is not None


def test_a_result_over_a_volume_that_was_moved_lies_where_it_belongs(session) -> None:
    import slicer

    films, shown = put(session)
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Moved")
    transform.SetMatrixTransformToParent(vtk_matrix([[1, 0, 0, 9], [0, 1, 0, 9], [0, 0, 1, 9], [0, 0, 0, 1]]))
    shown.volume.SetAndObserveTransformNodeID(transform.GetID())
    again = put_result(a_result((a_view(0.0), a_view(90.0))), films, volume_node=shown.volume)
    np.testing.assert_allclose(volume_from_node(again.volume).ijk_to_ras, a_result(()).volume.ijk_to_ras)


def test_the_volume_keeps_its_place_and_values(session) -> None:
    _, shown = put(session)
    volume = volume_from_node(shown.volume)
    np.testing.assert_allclose(volume.ijk_to_ras, a_result(()).volume.ijk_to_ras)
    np.testing.assert_array_equal(volume.voxels, a_result(()).volume.voxels)
    assert shown.volume.GetVoxelValueUnits().GetCodeMeaning() == "Hounsfield unit"


def test_provenance_is_in_the_scene(session) -> None:
    _, shown = put(session)
    assert shown.volume.GetAttribute("XRay3D.Method") == "x2ct-cnn"
    assert json.loads(shown.volume.GetAttribute("XRay3D.Provenance")) == {"seed": 3}
    assert "Research use only" in shown.volume.GetAttribute("XRay3D.Statement")


def test_inputs_and_outputs_share_a_folder(session) -> None:
    films, shown = put(session, with_residual=True)
    tree = session.scene.GetSubjectHierarchyNode()
    nodes = [*films, shown.volume, *shown.reprojections, *shown.residuals]
    parents = {tree.GetItemParent(tree.GetItemByDataNode(node)) for node in nodes}
    assert len(nodes) == 7
    assert len(parents) == 1
    assert parents != {tree.GetSceneItemID()}


def test_an_existing_output_is_written_over(session) -> None:
    output = session.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Mine")
    _, shown = put(session, volume_node=output)
    assert shown.volume.GetID() == output.GetID()
    assert shown.volume.GetName() == "Mine"


def test_a_film_goes_with_all_that_was_made_for_it(session) -> None:
    before = session.scene.GetNumberOfNodesByClass("vtkMRMLVolumeNode")
    films, _ = put(session, with_residual=True)
    for film in films:
        remove_film(film)
    assert session.scene.GetNumberOfNodesByClass("vtkMRMLVolumeNode") == before + 1  # the result stays
    assert session.scene.GetFirstNodeByName("Film 0 set-up") is None


def test_a_second_result_writes_over_the_films_own_images(session) -> None:
    films, first = put(session)
    second = put_result(a_result((a_view(0.0), a_view(90.0))), films, volume_node=first.volume)
    assert [node.GetID() for node in second.reprojections] == [node.GetID() for node in first.reprojections]


def test_two_results_have_images_of_their_own_and_those_of_a_deleted_one_are_used_again(session) -> None:
    films, first = put(session)
    views = (a_view(0.0), a_view(90.0))
    second = put_result(a_result(views), films)
    assert not set(first.reprojections) & set(second.reprojections)
    assert [reprojection_of(film, first.volume) for film in films] == list(first.reprojections)
    session.scene.RemoveNode(first.volume)
    third = put_result(a_result(views), films)
    assert list(third.reprojections) == list(first.reprojections)
    assert [reprojection_of(film, second.volume) for film in films] == list(second.reprojections)


def test_a_residual_is_not_left_behind_by_the_result_that_it_was_of(session) -> None:
    films, first = put(session, with_residual=True)
    view = replace(a_view(0.0), fitted_gain_offset=(1.0, 0.25))
    put_result(a_result((view, a_view(90.0))), films, volume_node=first.volume)
    node = residual_of(films[0], first.volume)
    expected = view.radiograph.line_integral - (view.reprojection + 0.25)
    import slicer

    np.testing.assert_allclose(slicer.util.arrayFromVolume(node)[0], expected, atol=1e-6)


def test_results_are_named_by_their_methods(session) -> None:
    films, first = put(session)
    views = (a_view(0.0), a_view(90.0))
    second = put_result(replace(a_result(views), method="cgls"), films)
    third = put_result(a_result(views), films)
    names = [shown.volume.GetName() for shown in (first, second, third)]
    assert names[:2] == ["x2ct-cnn volume", "cgls volume"]
    assert names[2].startswith("x2ct-cnn volume")
    assert len(set(names)) == 3
    second.volume.SetName("Kept")
    for volume, name in ((first.volume, "sart volume"), (second.volume, "Kept")):
        put_result(replace(a_result(views), method="sart"), films, volume_node=volume)
        assert volume.GetName() == name


def test_a_result_that_cannot_be_shown_leaves_the_scene_as_it_was(session) -> None:
    view = a_view(0.0)
    film = put_radiograph(view.radiograph, "Film")
    before = session.scene.GetNumberOfNodes()
    with pytest.raises(ValueError):
        put_result(a_result((view, view)), [film])  # one film for two views
    assert session.scene.GetNumberOfNodes() == before


def test_a_result_that_fails_halfway_leaves_what_it_was_to_write_over(session, monkeypatch) -> None:
    import slicer

    films, first = put(session, with_residual=True)
    nodes = (first.volume, *films, *first.reprojections, *first.residuals)
    pixels = [slicer.util.arrayFromVolume(node).copy() for node in nodes]
    window = first.volume.GetDisplayNode().GetWindow()
    before = session.scene.GetNumberOfNodes()

    def fail(*_nodes):
        raise MemoryError

    monkeypatch.setattr("XRayLib.scene.show_result.put_in_folder", fail)
    other = a_result((replace(a_view(0.0), residual=0.9), replace(a_view(90.0), fitted_gain_offset=(3.0, 1.0))))
    brighter = replace(other.volume, voxels=other.volume.voxels + 50)
    uncertain = replace(other, method="cgls", volume=brighter, uncertainty=brighter)
    with pytest.raises(MemoryError):
        put_result(uncertain, films, volume_node=first.volume)
    assert session.scene.GetNumberOfNodes() == before
    for node, expected in zip(nodes, pixels, strict=True):
        np.testing.assert_array_equal(slicer.util.arrayFromVolume(node), expected)
    assert first.volume.GetAttribute("XRay3D.Method") == "x2ct-cnn"
    assert first.volume.GetName() == "x2ct-cnn volume"
    assert first.volume.GetNodeReference(UNCERTAINTY_ROLE) is None
    assert first.volume.GetDisplayNode().GetWindow() == window
    assert first.reprojections[0].GetAttribute("XRay3D.Residual") == "0.1"
    assert [reprojection_of(film, first.volume) for film in films] == list(first.reprojections)


def test_the_film_hangs_upright_in_its_view(session) -> None:
    """The bright patch, on the film's upper right, is on the view's upper right."""
    films, shown = put(session)
    switch_to_film_layout(2)
    geometries = [a_view(0.0).radiograph.geometry, a_view(90.0).radiograph.geometry]
    show_films(list(zip(films, geometries, strict=True)), shown.reprojections)
    picture = session.render_view("XRay1", (300, 300)).mean(axis=2)
    upper_right, lower_left = picture[50:120, 195:270].mean(), picture[180:280, 30:100].mean()
    assert upper_right > 150
    assert lower_left < 60


def test_a_film_that_was_moved_is_in_its_view_though_its_reprojection_is_where_it_was(session) -> None:
    films, shown = put(session)
    switch_to_film_layout(2)
    far = np.eye(4)
    far[:3, 3] = (0.0, 0.0, -700.0)
    moved = a_view(0.0).radiograph.geometry.moved(far)
    films[0].SetIJKToRASMatrix(vtk_matrix(moved.pixel_to_ras))
    show_films([(films[0], moved)], shown.reprojections[:1])
    picture = session.render_view("XRay1", (300, 300)).mean(axis=2)
    assert picture[50:120, 195:270].mean() > 150


def test_the_volume_shows_in_slices_and_3d(session) -> None:
    _, shown = put(session)
    switch_to_film_layout(2)
    show_in_slices(shown.volume)
    red = session.render_view("Red", (200, 200)).mean(axis=2)
    assert red.max() > 200
    empty = session.render_view("threeD", (200, 200)).astype(float)
    show_volume_rendering(shown.volume, session.logic("VolumeRendering"))
    session.three_d_view().frame("anterior")
    rendered = session.render_view("threeD", (200, 200)).astype(float)
    assert np.abs(rendered - empty).max() > 60
