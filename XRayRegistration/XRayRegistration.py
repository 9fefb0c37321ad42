"""XRayRegistration: a CT placed on X-rays automatically, with its confidence, contours on the films and undo."""

from __future__ import annotations

import enum
from typing import Annotated, Any

import slicer
from slicer import (
    vtkMRMLLinearTransformNode,
    vtkMRMLMarkupsFiducialNode,
    vtkMRMLModelNode,
    vtkMRMLScalarVolumeNode,
    vtkMRMLSequenceBrowserNode,
)
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
            "Finds where a CT, with its models and segmentations, lies on one or more X-rays, and says how sure it is. "
            "Start by hand, from landmarks or from nothing; check the contours on every film. Research use only. "
            '<a href="https://github.com/xray3d/SlicerXRay3D#readme">Documentation</a>.'
        )
        self.parent.acknowledgementText = _(
            "Methods: intensity-based 2D/3D registration; pose regression after xvr (Gopalakrishnan et al., 2025); "
            "scene-coordinate regression (Shrestha et al., 2023). Made by the XRay3D contributors."
        )


#
# XRayRegistrationParameterNode
#


class Start(enum.Enum):
    """Where a registration begins."""

    AUTO = "auto"
    GIVEN = "given"
    LANDMARKS = "landmarks"
    CENTER = "center"
    SEARCH = "search"

    def label(self) -> str:
        """What the list shows."""
        return {
            Start.AUTO: _("Automatic"),
            Start.GIVEN: _("Where the CT is now"),
            Start.LANDMARKS: _("Landmarks"),
            Start.CENTER: _("X-ray angles and center"),
            Start.SEARCH: _("Search"),
        }[self]


class OverlayMode(enum.Enum):
    """How the re-projected CT is laid over the X-rays."""

    BLEND = "blend"
    CONTOURS = "contours"
    CHECKERBOARD = "checkerboard"
    DIFFERENCE = "difference"

    def label(self) -> str:
        """What the list shows."""
        return {
            OverlayMode.BLEND: _("Blend"),
            OverlayMode.CONTOURS: _("Contours of the CT"),
            OverlayMode.CHECKERBOARD: _("Checkerboard"),
            OverlayMode.DIFFERENCE: _("Difference"),
        }[self]


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
    method - Id of the registration method.
    start - Where the registration begins.
    refineIntrinsics - Also correct the films' geometry.
    ctLandmarks - Points picked in the CT; those of a film are referred to by the film.
    showHandles - Handles on the CT in the views.
    overlayMode - How the re-projections are laid over the films.
    pointCloud - Points of the patient that a network saw on the films.
    showPointCloud - Draw them in 3D.
    sequenceBrowser - The run of X-rays, or the browser of the frames' poses.
    frame - The frame that is shown, from 0, when the X-rays are no run.
    prepareMinutes - Budget of 'Prepare this patient'.
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
    method: str = "intensity"
    start: Start = Start.AUTO
    refineIntrinsics: bool = False
    ctLandmarks: vtkMRMLMarkupsFiducialNode
    showHandles: bool = False
    overlayMode: OverlayMode = OverlayMode.BLEND
    pointCloud: vtkMRMLModelNode
    showPointCloud: bool = True
    sequenceBrowser: vtkMRMLSequenceBrowserNode
    frame: int = 0
    prepareMinutes: Annotated[int, WithinRange(1, 1440)] = 45


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
