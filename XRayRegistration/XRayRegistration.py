"""XRayRegistration: a CT placed on X-rays, with the X-ray set-up in 3D and live re-projection."""

from __future__ import annotations

from typing import Annotated, Any

import slicer
from slicer import vtkMRMLLinearTransformNode, vtkMRMLScalarVolumeNode
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
)
from XRayLib.scene.panel.module_widget import PanelModuleWidget

#
# XRayRegistration
#


class XRayRegistration(ScriptedLoadableModule):
    """What Slicer shows about the module before it is opened."""

    def __init__(self, parent: Any) -> None:
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("X-ray Registration")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Registration")]
        self.parent.dependencies = ["X2CTRecon"]
        self.parent.contributors = ["XRay3D contributors"]
        self.parent.helpText = _(
            "Shows X-rays with their source, frustum and detector in 3D beside a CT, and lets you place the CT by hand "
            "while its re-projection follows on every film. Research use only. "
            '<a href="https://github.com/xray3d/SlicerXRay3D#readme">Documentation</a>.'
        )
        self.parent.acknowledgementText = _("Made by the XRay3D contributors.")


#
# XRayRegistrationParameterNode
#


@parameterNodeWrapper
class XRayRegistrationParameterNode:
    """
    The user's choices, saved with the scene.

    films - The X-rays, each a one-slice volume on its detector plane.
    ctVolume - The CT to place.
    poseTransform - The transform that moves the CT to where the patient is.
    translationR, translationA, translationS - Shift of the CT in mm.
    rotationR, rotationA, rotationS - Rotation of the CT about its middle in degrees.
    reprojections - What the CT projects to in its present pose, one per film.
    liveReprojection - Re-project whenever the pose changes.
    showSetup - Draw source, frustum and detector in 3D.
    showVolumeRendering - Render the CT in 3D.
    overlayOpacity - 0 shows the films, 1 the re-projections.
    """

    films: list[vtkMRMLScalarVolumeNode]
    ctVolume: vtkMRMLScalarVolumeNode
    poseTransform: vtkMRMLLinearTransformNode
    translationR: Annotated[float, WithinRange(-300.0, 300.0)] = 0.0
    translationA: Annotated[float, WithinRange(-300.0, 300.0)] = 0.0
    translationS: Annotated[float, WithinRange(-300.0, 300.0)] = 0.0
    rotationR: Annotated[float, WithinRange(-180.0, 180.0)] = 0.0
    rotationA: Annotated[float, WithinRange(-180.0, 180.0)] = 0.0
    rotationS: Annotated[float, WithinRange(-180.0, 180.0)] = 0.0
    reprojections: list[vtkMRMLScalarVolumeNode]
    liveReprojection: bool = True
    showSetup: bool = True
    showVolumeRendering: bool = True
    overlayOpacity: Annotated[float, WithinRange(0.0, 1.0)] = 0.5


#
# XRayRegistrationWidget
#


class XRayRegistrationWidget(PanelModuleWidget):
    """What the panel does is in XRayRegistrationLib/panel.py."""

    packageName = "XRayRegistrationLib"

    def createLogic(self) -> XRayRegistrationLogic:
        """The module's logic."""
        return XRayRegistrationLogic()

    def createPanel(self, ui: Any) -> Any:
        """The module's panel."""
        from XRayRegistrationLib.panel import RegistrationPanel

        return RegistrationPanel(ui)


#
# XRayRegistrationLogic
#


class XRayRegistrationLogic(ScriptedLoadableModuleLogic):
    """Poses and re-projections without a panel, for scripts."""

    def getParameterNode(self) -> XRayRegistrationParameterNode:
        """The scene's parameter node, wrapped."""
        return XRayRegistrationParameterNode(super().getParameterNode())

    def addFilm(self, path: str, geometry: str = "") -> Any:
        """Load an X-ray and put it on its detector plane; waits for the worker. Returns the node."""
        from XRayLib.scene.film_loading import add_film_blocking

        return add_film_blocking(path, geometry)

    def reproject(self, ctVolume: Any, films: list[Any]) -> list[Any]:
        """What the CT, where its transforms put it, looks like on each film; waits for the worker. Returns nodes."""
        from XRayRegistrationLib.panel_reprojection import reproject_blocking

        return reproject_blocking(ctVolume, films)


#
# XRayRegistrationTest
#


class XRayRegistrationTest(ScriptedLoadableModuleTest):
    """Reload and Test, and ctest."""

    def setUp(self) -> None:
        """An empty scene."""
        slicer.mrmlScene.Clear()

    def runTest(self) -> None:
        """Run every test."""
        self.setUp()
        self.test_reprojection_follows_the_pose()

    def test_reprojection_follows_the_pose(self) -> None:
        """A small bright block moves on the film as the transform above it says."""
        import numpy as np
        from XRayLib.ct import Volume
        from XRayLib.scene.matrices import vtk_matrix
        from XRayLib.scene.volume_nodes import put_volume
        from XRayRegistrationLib.panel_reprojection import film_at_angles

        voxels = np.full((40, 40, 40), -1000, np.float32)
        voxels[18:22, 18:22, 18:22] = 1000
        ct = put_volume(Volume.axis_aligned(voxels, (4.0, 4.0, 4.0)), "Block")
        film = film_at_angles(0.0, 0.0, size_px=(64, 64), pixel_spacing_mm=(5.0, 5.0))
        logic = XRayRegistrationLogic()

        def brightest() -> tuple[int, int]:
            image = slicer.util.arrayFromVolume(logic.reproject(ct, [film])[0])[0]
            row, column = np.unravel_index(image.argmax(), image.shape)
            return int(row), int(column)

        row, column = brightest()
        transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Pose")
        shift = np.eye(4)
        shift[:3, 3] = (-50.0, 0.0, -30.0)
        transform.SetMatrixTransformToParent(vtk_matrix(shift))
        ct.SetAndObserveTransformNodeID(transform.GetID())
        moved_row, moved_column = brightest()
        self.assertGreater(moved_column, column + 8)
        self.assertGreater(moved_row, row + 4)
