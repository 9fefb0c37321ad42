"""The CT that a panel keeps is read again when it has changed, and only then."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")

from modules.films import a_ct
from XRayLib.scene.ct_in_memory import CtInMemory
from XRayLib.scene.headless import HeadlessSlicer
from XRayLib.scene.matrices import vtk_matrix
from XRayLib.scene.volume_nodes import put_volume

pytestmark = pytest.mark.slicer


@pytest.fixture(scope="module")
def session():
    with HeadlessSlicer() as headless:
        yield headless


def test_a_ct_whose_shift_was_hardened_lies_elsewhere_in_its_own_ras(session) -> None:
    import slicer

    node, memory = put_volume(a_ct(), "CT"), CtInMemory()
    first = memory.volume(node)
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Shift")
    transform.SetMatrixTransformToParent(vtk_matrix([[1, 0, 0, 7], [0, 1, 0, 8], [0, 0, 1, 9], [0, 0, 0, 1]]))
    node.SetAndObserveTransformNodeID(transform.GetID())
    assert memory.volume(node) is first
    assert node.HardenTransform()
    again = memory.volume(node)
    assert again is not first
    np.testing.assert_allclose(again.ijk_to_ras[:3, 3] - first.ijk_to_ras[:3, 3], (7, 8, 9))
    assert memory.volume(node) is again
