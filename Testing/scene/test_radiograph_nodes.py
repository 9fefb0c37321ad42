"""Radiographs survive the way into the scene and out, under rigid transforms, and through a saved scene."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")

from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry
from XRayLib.radiograph import Radiograph
from XRayLib.scene.headless import HeadlessSlicer
from XRayLib.scene.matrices import vtk_matrix
from XRayLib.scene.radiograph_nodes import film_version, put_radiograph, radiograph_from_node, set_geometry

pytestmark = pytest.mark.slicer


@pytest.fixture(scope="module")
def session():
    with HeadlessSlicer() as headless:
        yield headless


def a_radiograph(primary: float = 30.0, secondary: float = -10.0, masked: bool = True) -> Radiograph:
    geometry = XRayGeometry.from_c_arm(
        primary_angle_deg=primary,
        secondary_angle_deg=secondary,
        source_to_detector_mm=1100.0,
        source_to_isocenter_mm=720.0,
        size_px=(50, 40),
        pixel_spacing_mm=(2.0, 1.5),
        isocenter_ras_mm=(10.0, -20.0, 300.0),
        assumed=("source distance",),
    )
    image = np.random.default_rng(1).random((40, 50)).astype(np.float32)
    mask = image > 0.1 if masked else None
    return Radiograph(image, geometry, mask, calibrated=True, view="PA", source="test", assumptions=("none",))


def test_a_radiograph_comes_back_as_it_went_in(session) -> None:
    before = a_radiograph()
    after = radiograph_from_node(put_radiograph(before, "Film"))
    np.testing.assert_array_equal(after.line_integral, before.line_integral)
    np.testing.assert_array_equal(after.mask, before.mask)
    assert after.geometry == before.geometry
    assert after.geometry.source_to_isocenter_mm == before.geometry.source_to_isocenter_mm
    assert (after.calibrated, after.view, after.assumptions) == (True, "PA", ("none",))
    assert after.geometry.assumed == ("source distance",)


def test_every_pixel_of_the_node_lies_on_its_ray(session) -> None:
    radiograph = a_radiograph()
    node = put_radiograph(radiograph, "Film")
    for column, row in ((0, 0), (49, 0), (12, 33)):
        ras = vtk_matrix(np.eye(4))
        node.GetIJKToRASMatrix(ras)
        point = np.array(ras.MultiplyPoint((column, row, 0, 1)))[:3]
        np.testing.assert_allclose(radiograph.geometry.project(point), [[column, row]], atol=1e-6)
        assert radiograph.geometry.depth_mm(point)[0] == pytest.approx(1100.0)


def test_a_rigid_transform_above_the_film_moves_its_geometry(session) -> None:
    radiograph = a_radiograph()
    node = put_radiograph(radiograph, "Film")
    turn = np.eye(4)
    turn[:3, :3] = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
    turn[:3, 3] = (5, 6, 7)
    transform = session.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Table")
    transform.SetMatrixTransformToParent(vtk_matrix(turn))
    node.SetAndObserveTransformNodeID(transform.GetID())
    moved = radiograph_from_node(node)
    point = np.array([12.0, -33.0, 280.0])
    np.testing.assert_allclose(
        moved.geometry.project((turn @ [*point, 1])[:3]), radiograph.geometry.project(point), atol=1e-6
    )


def test_a_hardened_transform_moves_a_film_as_it_did_before(session) -> None:
    import slicer

    node = put_radiograph(a_radiograph(), "Film")
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Shift")
    shift = np.array([[0.0, -1, 0, 10], [1, 0, 0, 20], [0, 0, 1, 30], [0, 0, 0, 1]])
    transform.SetMatrixTransformToParent(vtk_matrix(shift))
    node.SetAndObserveTransformNodeID(transform.GetID())
    before, version = radiograph_from_node(node).geometry, film_version(node)
    assert node.HardenTransform()
    assert film_version(node) != version
    after = radiograph_from_node(node).geometry
    np.testing.assert_allclose(after.source_ras_mm, before.source_ras_mm, atol=1e-6)
    np.testing.assert_allclose(after.pixel_to_ras, before.pixel_to_ras, atol=1e-6)


def test_a_stretched_film_is_refused(session) -> None:
    node = put_radiograph(a_radiograph(), "Film")
    node.SetSpacing(4.0, 1.5, 1.0)
    with pytest.raises(InputError, match="stretched"):
        radiograph_from_node(node)


def test_a_scaling_transform_above_the_film_is_refused(session) -> None:
    node = put_radiograph(a_radiograph(), "Film")
    transform = session.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Scale")
    transform.SetMatrixTransformToParent(vtk_matrix(np.diag([2.0, 1.0, 1.0, 1.0])))
    node.SetAndObserveTransformNodeID(transform.GetID())
    with pytest.raises(InputError, match="rigid"):
        radiograph_from_node(node)


def test_a_film_may_be_moved_to_another_view(session) -> None:
    node = put_radiograph(a_radiograph(), "Film")
    other = a_radiograph(primary=90.0, secondary=0.0).geometry
    set_geometry(node, other, "LL")
    after = radiograph_from_node(node)
    assert after.geometry == other
    assert after.view == "LL"


def test_an_ordinary_volume_is_not_a_film(session) -> None:
    node = session.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    with pytest.raises(InputError, match="no X-ray geometry"):
        radiograph_from_node(node)


def test_films_survive_a_saved_scene(session, tmp_path) -> None:
    session.clear()
    before = a_radiograph()
    put_radiograph(before, "Kept film")
    session.save_scene(tmp_path / "case.mrb")
    session.clear()
    session.load_scene(tmp_path / "case.mrb")
    after = radiograph_from_node(session.scene.GetFirstNodeByName("Kept film"))
    np.testing.assert_allclose(after.line_integral, before.line_integral)
    np.testing.assert_array_equal(after.mask, before.mask)
    assert after.geometry == before.geometry
