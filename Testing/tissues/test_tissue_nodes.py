"""The tissues of a volume are a segmentation with colours and codes that comes and goes with the volume."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")

from XRayLib.case import Result
from XRayLib.ct import Volume
from XRayLib.scene.show_result import put_result
from XRayLib.scene.tissue_nodes import TISSUES_ROLE

pytestmark = pytest.mark.slicer


def a_result(with_labels: bool = True, lung: int = 4) -> Result:
    volume = Volume.axis_aligned(np.zeros((20, 20, 20), np.float32), (3.0, 3.0, 3.0), (5.0, -7.0, 11.0))
    numbers = np.zeros((10, 10, 10), np.float32)
    numbers[2:8, 2:8, 2:8] = 2
    numbers[3 : 3 + lung, 3:5, 3:5] = 1
    numbers[2:8, 6:8, 2:4] = 3
    labels = Volume.axis_aligned(numbers, (6.0, 6.0, 6.0), (5.0, -7.0, 11.0), "label")
    return Result("lifting", volume, labels=labels if with_labels else None)


def test_segments_have_voxels_colours_and_codes(session) -> None:
    import slicer

    shown = put_result(a_result(), [])
    segmentation = shown.tissues.GetSegmentation()
    assert [segmentation.GetNthSegment(n).GetName() for n in range(3)] == ["Lung", "Soft tissue", "Bone"]
    for n in range(3):
        segment = segmentation.GetNthSegment(n)
        image = segment.GetRepresentation(slicer.vtkSegmentationConverter.GetBinaryLabelmapRepresentationName())
        assert image.GetSpacing() == pytest.approx((6.0, 6.0, 6.0))
        category, kind = _terminology(segment).split("~")[1:3]
        assert category.startswith("SCT^")
        assert kind.startswith("SCT^") and kind.endswith(segment.GetName())
    assert shown.tissues.GetAttribute("XRay3D.Kind") == "tissues"
    assert "Research use only" in shown.tissues.GetAttribute("XRay3D.Statement")


def _terminology(segment) -> str:
    import vtk

    value = vtk.reference("")
    assert segment.GetTag(segment.GetTerminologyEntryTagName(), value)
    return str(value)


def test_they_are_faint_in_slices_and_not_in_3d(session) -> None:
    display = put_result(a_result(), []).tissues.GetDisplayNode()
    assert not display.GetVisibility3D()
    assert 0 < display.GetOpacity2DFill() < 0.5


def test_a_new_result_writes_over_them_and_one_without_lets_go(session) -> None:
    first = put_result(a_result(), [])
    first.tissues.GetDisplayNode().SetVisibility3D(True)
    second = put_result(a_result(lung=2), [], volume_node=first.volume)
    assert second.tissues is first.tissues
    assert second.tissues.GetSegmentation().GetNumberOfSegments() == 3
    assert second.tissues.GetDisplayNode().GetVisibility3D()  # the user's choice stays
    third = put_result(a_result(with_labels=False), [], volume_node=first.volume)
    assert third.tissues is None
    assert third.volume.GetNodeReference(TISSUES_ROLE) is None


def test_a_saved_scene_brings_them_back(session, tmp_path) -> None:
    import slicer

    put_result(a_result(), [])
    session.save_scene(tmp_path / "scene.mrb")
    session.clear()
    session.load_scene(tmp_path / "scene.mrb")
    volume = slicer.util.getNode("lifting volume")
    tissues = volume.GetNodeReference(TISSUES_ROLE)
    assert tissues.GetSegmentation().GetNumberOfSegments() == 3
    assert tissues.GetDisplayNode().GetOpacity2DFill() < 0.5


def test_films_do_not_show_them(session) -> None:
    import slicer

    tags = ("Red", "Yellow", "Green", "XRay3DFilm1")
    views = {tag: slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSliceNode", tag) for tag in tags}
    for tag, node in views.items():
        node.SetLayoutName(tag)
    display = put_result(a_result(), []).tissues.GetDisplayNode()
    assert all(display.IsDisplayableInView(views[tag].GetID()) for tag in tags[:3])
    assert not display.IsDisplayableInView(views["XRay3DFilm1"].GetID())
