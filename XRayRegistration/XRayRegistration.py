"""XRayRegistration: a CT placed on X-rays automatically, with its confidence, contours on the films and undo."""

from __future__ import annotations

import enum
from typing import Annotated, Any

import slicer
from slicer import (
    vtkMRMLDisplayableNode,
    vtkMRMLGridTransformNode,
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
        slicer.app.connect("startupCompleted()", registerSampleData)


def registerSampleData() -> None:
    """Offer the bundled case in the Sample Data module."""
    from XRayRegistrationLib.panel_samples import register

    register()


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
    showOutlines - Draw the outlines of what moves with the CT on the films.
    pointCloud - Points of the patient that a network saw on the films.
    showPointCloud - Draw them in 3D.
    deformation - The transform that deforms the CT before its pose.
    showDeformed - Deform the CT and what moves with it.
    sequenceBrowser - The run of X-rays, or the browser of the frames' poses.
    frame - The frame that is shown, from 0, when the X-rays are no run.
    organNode - The model or segmentation of the organ that a deformable method follows; empty to find it.
    organSegment - Id of the organ's segment.
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
    showOutlines: bool = True
    pointCloud: vtkMRMLModelNode
    showPointCloud: bool = True
    deformation: vtkMRMLGridTransformNode
    showDeformed: bool = True
    sequenceBrowser: vtkMRMLSequenceBrowserNode
    frame: int = 0
    organNode: vtkMRMLDisplayableNode
    organSegment: str
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
    """Registration without a panel, for scripts; every call waits for its result:

    >>> logic = slicer.modules.xrayregistration.widgetRepresentation().self().logic
    >>> films = [logic.addFilm("pa.dcm"), logic.addFilm("lateral.dcm")]
    >>> transform = logic.register(ct, films)
    >>> liver.SetAndObserveTransformNodeID(transform.GetID())
    """

    def getParameterNode(self) -> XRayRegistrationParameterNode:
        """The scene's parameter node, wrapped."""
        return XRayRegistrationParameterNode(super().getParameterNode())

    def addFilm(self, path: str, geometry: str = "") -> Any:
        """Load an X-ray and put it on its detector plane; waits for the worker. Returns the node."""
        from XRayLib.scene.film_loading import add_film_blocking

        return add_film_blocking(path, geometry)

    def register(
        self,
        ct: Any,
        films: list[Any],
        method: str = "intensity",
        initial: Any = None,
        start: str = "auto",
        showRefused: bool = False,
    ) -> Any:
        """Find where a CT lies on X-rays and move it there. Returns the transform node above the CT.

        :param ct: scalar volume node in HU.
        :param films: radiograph nodes (see addFilm), views of the same moment.
        :param method: id of the registration method.
        :param initial: 4x4 from the CT's RAS to world RAS to start from; None to start as ``start`` says.
        :param start: "auto", "given" (where the CT is), "landmarks" (see setLandmarks), "center" or "search".
        :param showRefused: also move the CT when the quality check refuses the result.

        The transform has the attributes XRay3D.Method, XRay3D.Quality (JSON: covariance, confidence, accepted, reason,
        similarity), XRay3D.Provenance and XRay3D.Warnings. A deformable method puts the CT under a grid transform,
        which is returned, and that under the transform of the pose.

        Raises XRayLib.errors.RefusedError when the quality check refuses the result, XRayLib.errors.InputError for
        input that cannot be registered; the CT then stays where it is.
        """
        from XRayRegistrationLib.panel_scripting import register_blocking

        landmarks = self.getParameterNode().ctLandmarks
        return register_blocking(ct, films, method, initial, start, landmarks, showRefused)

    def setLandmarks(
        self, ct: Any, films: list[Any], ctPoints: Any, filmPixels: list[Any], labels: list[str] | None = None
    ) -> None:
        """Replace the landmarks that ``register(..., start="landmarks")`` starts from.

        :param ctPoints: (N, 3) in the CT's own RAS, mm.
        :param filmPixels: per film (N, 2) as (column, row), NaN where a point is not visible.
        :param labels: N names; 1, 2, 3 ... when not given.

        Raises XRayLib.errors.InputError when their numbers differ.
        """
        from XRayRegistrationLib.panel_scripting import set_landmarks

        set_landmarks(self.getParameterNode(), ct, films, ctPoints, filmPixels, labels)

    def prepare(self, ct: Any, method: str = "pose-regression", minutes: float = 45.0) -> dict[str, Any]:
        """Train a learned method for a CT ('Prepare this patient'); goes on where an earlier preparation stopped.

        Returns what is prepared, by method id: bundle, iterations, seconds, finished, validation.
        """
        from XRayRegistrationLib.panel_scripting import prepare_blocking

        return prepare_blocking(ct, method, minutes)

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
        self.setUp()
        self.test_the_sample_torso_is_found_on_its_radiographs()

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

    def test_the_sample_torso_is_found_on_its_radiographs(self) -> None:
        """The bundled radiographs and the CT they were made from, 30 mm and 10 degrees away from where it was."""
        import numpy as np
        from X2CTReconLib.panel_samples import sample_files
        from XRayLib.metrics.pose import target_grid, target_registration_errors_mm
        from XRayLib.phantom.sample import sample_torso
        from XRayLib.scene.matrices import local_to_world, vtk_matrix
        from XRayLib.scene.volume_nodes import put_volume
        from XRayRegistrationLib.manual_pose import ManualPose, ct_to_world

        volume = sample_torso()
        ct = put_volume(volume, "Torso")
        away = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Torso pose")
        pose = ct_to_world(ManualPose((20.0, -15.0, 15.0), (4.0, -6.0, 7.0)), volume.center_ras_mm)
        away.SetMatrixTransformToParent(vtk_matrix(pose))
        ct.SetAndObserveTransformNodeID(away.GetID())
        logic = XRayRegistrationLogic()
        films = [logic.addFilm(str(path)) for path in sample_files()]
        transform = logic.register(ct, films, start="given")
        self.assertEqual(transform.GetID(), away.GetID())
        self.assertEqual(transform.GetAttribute("XRay3D.Method"), "intensity")
        errors = target_registration_errors_mm(local_to_world(ct), np.eye(4), target_grid(volume))
        self.assertLess(float(errors.mean()), 2.0)
