"""X2CTRecon: X-rays in, a CT-like volume or an organ's surface in Slicer's views."""

from __future__ import annotations

import enum
from typing import Annotated, Any

import slicer
from slicer import (
    vtkMRMLDisplayableNode,
    vtkMRMLLinearTransformNode,
    vtkMRMLModelNode,
    vtkMRMLScalarVolumeNode,
    vtkMRMLSequenceBrowserNode,
    vtkMRMLTableNode,
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
# X2CTRecon
#


class X2CTRecon(ScriptedLoadableModule):
    """What Slicer shows about the module before it is opened."""

    def __init__(self, parent: Any) -> None:
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("X-ray to CT")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Tomographic Reconstruction")]
        self.parent.dependencies = []
        self.parent.contributors = ["XRay3D contributors"]
        self.parent.helpText = _(
            "Reconstructs a CT-like volume from one or two X-rays and shows its re-projection beside the films. "
            "Research use only: internal detail is a plausible estimate. "
            '<a href="https://github.com/xray3d/SlicerXRay3D#readme">Documentation</a>.'
        )
        self.parent.acknowledgementText = _(
            "Methods: X2CT-GAN (Ying et al., CVPR 2019). Training data: collections of The Cancer Imaging Archive, "
            "see each model's card."
        )
        slicer.app.connect("startupCompleted()", registerSampleData)
        slicer.app.connect("startupCompleted()", registerLayouts)


def registerSampleData() -> None:
    """Offer the bundled radiographs in the Sample Data module."""
    from X2CTReconLib.panel_samples import register

    register()


def registerLayouts() -> None:
    """The layouts of films and comparisons, known before a scene that was saved in one of them is opened."""
    from XRayLib.scene.comparison_views import register_comparison_layouts
    from XRayLib.scene.layout import register_layouts

    register_layouts()
    register_comparison_layouts()


#
# X2CTReconParameterNode
#


class OrganColoring(enum.Enum):
    """What an organ's colours show: itself, or a number on each of its points."""

    ORGAN = "organ"
    DISPLACEMENT = "displacement_mm"
    ERROR_BAR = "deviation_mm"

    def label(self) -> str:
        """What the list shows."""
        return {
            OrganColoring.ORGAN: _("The organ's own color"),
            OrganColoring.DISPLACEMENT: _("How far it has moved"),
            OrganColoring.ERROR_BAR: _("Error bars"),
        }[self]


class SliceColoring(enum.Enum):
    """What lies over the slices of the volume: how far it can be trusted."""

    NOTHING = "nothing"
    UNCERTAINTY = "XRay3DUncertainty"
    UNDETERMINED = "XRay3DUndetermined"

    def label(self) -> str:
        """What the list shows."""
        return {
            SliceColoring.NOTHING: _("Nothing"),
            SliceColoring.UNCERTAINTY: _("The method's uncertainty (to 400 HU)"),
            SliceColoring.UNDETERMINED: _("Not determined by the X-rays"),
        }[self]


@parameterNodeWrapper
class X2CTReconParameterNode:
    """
    The user's choices, saved with the scene.

    films - The X-rays of the case, each a one-slice volume on its detector plane.
    method - Id of the reconstruction method.
    model - Id of the model bundle; empty for the method's own choice.
    preset - Name of the method's settings, of a method that has several.
    outputVolume - The volume to write; a new one when empty.
    showVolumeRendering - Render the result in 3D.
    showFilmLayout - Show the X-rays beside the volume.
    addResidual - Also make the residual images.
    overlayOpacity - 0 shows the films, 1 the re-projections.
    ctVolume - The patient's CT, for methods that know the patient.
    ctPose - The transform that places the CT; empty for where it lies.
    organNode - The model or segmentation of the organ to find.
    organSegment - Id of the organ's segment.
    prepareMinutes - Budget of 'Prepare this patient'.
    refineOrgan - Improve the organ on the X-rays after the network's answer.
    refineFrames - The same for every frame of a run.
    consistent - Change the volume until it projects to the X-rays.
    styleTransfer - Give processed films the look of simulated ones first.
    estimateGeometry - Estimate first what was assumed of the X-rays' geometry.
    organNow - The organ where it is now.
    organPlanned - The organ as it is in the CT.
    organTable - The organs' volumes.
    organColoring - What the organ's colors show.
    showPlanned - Show the organ as it was planned, too.
    showOutlines - Draw the organ's outline on the X-rays.
    sequenceBrowser - The run of X-rays.
    sliceColoring - What the slices are colored by.
    compareFirst - The result to compare.
    compareSecond - Another result to compare it with.
    compareReference - The true CT, against which the metrics are measured.
    compareDifference - Show the difference beside the two.
    """

    films: list[vtkMRMLScalarVolumeNode]
    method: str = "atlas"
    model: str = ""
    preset: str = ""
    outputVolume: vtkMRMLScalarVolumeNode
    showVolumeRendering: bool = True
    showFilmLayout: bool = True
    addResidual: bool = False
    overlayOpacity: Annotated[float, WithinRange(0.0, 1.0)] = 0.0
    ctVolume: vtkMRMLScalarVolumeNode
    ctPose: vtkMRMLLinearTransformNode
    organNode: vtkMRMLDisplayableNode
    organSegment: str
    prepareMinutes: Annotated[int, WithinRange(1, 1440)] = 45
    refineOrgan: bool = True
    refineFrames: bool = False
    consistent: bool = False
    styleTransfer: bool = False
    estimateGeometry: bool = False
    organNow: vtkMRMLModelNode
    organPlanned: vtkMRMLModelNode
    organTable: vtkMRMLTableNode
    organColoring: OrganColoring = OrganColoring.ORGAN
    showPlanned: bool = True
    showOutlines: bool = True
    sequenceBrowser: vtkMRMLSequenceBrowserNode
    sliceColoring: SliceColoring = SliceColoring.NOTHING
    compareFirst: vtkMRMLScalarVolumeNode
    compareSecond: vtkMRMLScalarVolumeNode
    compareReference: vtkMRMLScalarVolumeNode
    compareDifference: bool = True


#
# X2CTReconWidget
#


class X2CTReconWidget(PanelModuleWidget):
    """What the panel does is in X2CTReconLib/panel.py."""

    packageName = "X2CTReconLib"

    def createLogic(self) -> X2CTReconLogic:
        """The module's logic."""
        return X2CTReconLogic()

    def createPanel(self, ui: Any) -> Any:
        """The module's panel."""
        from X2CTReconLib.panel import ReconstructionPanel

        return ReconstructionPanel(ui)


#
# X2CTReconLogic
#


class X2CTReconLogic(ScriptedLoadableModuleLogic):
    """Reconstruction without a panel, for scripts:

    >>> logic = slicer.modules.x2ctrecon.widgetRepresentation().self().logic
    >>> films = [logic.addFilm("pa.dcm"), logic.addFilm("lateral.dcm")]
    >>> shown = logic.reconstruct(films, method="atlas")
    >>> liver_now = logic.findOrgan(ct, liver, films)
    """

    def getParameterNode(self) -> X2CTReconParameterNode:
        """The scene's parameter node, wrapped."""
        return X2CTReconParameterNode(super().getParameterNode())

    def addFilm(self, path: str, geometry: str = "") -> Any:
        """Load an X-ray and put it on its detector plane; waits for the worker. Returns the node."""
        from XRayLib.scene.film_loading import add_film_blocking

        return add_film_blocking(path, geometry)

    def reconstruct(self, films: list[Any], method: str = "atlas", model: str = "", outputVolume: Any = None) -> Any:
        """Run a method on radiograph nodes and put the result into the scene; waits for the worker.

        Returns XRayLib.scene.show_result.ShownResult.
        """
        from X2CTReconLib.panel_reconstruction import reconstruct_blocking

        return reconstruct_blocking(films, method, model, outputVolume)

    def findOrgan(
        self,
        ct: Any,
        organ: Any,
        films: list[Any],
        pose: Any = None,
        method: str = "organ-mesh",
        segment: str = "",
        outputModel: Any = None,
        options: dict[str, Any] | None = None,
    ) -> Any:
        """Find an organ's surface on X-rays and put it into the scene; waits for the worker. Returns the model node.

        :param ct: scalar volume node in HU, the patient's.
        :param organ: the organ in the CT, a closed model node or a segmentation node.
        :param films: radiograph nodes (see addFilm) of the same moment; as many as the method takes.
        :param pose: where the CT lies on the X-rays, as registration finds it: a transform node or 4x4 from the CT's
            RAS to world RAS; None where the CT's own transform puts it.
        :param method: id of an organ method that was prepared for this organ of this CT (see prepareOrgan).
        :param segment: name or id of the organ's segment; may be left out when the segmentation has one only.
        :param outputModel: a model that findOrgan returned before, to be written over; None for a new one.
        :param options: the method's own, e.g. ``{"refine": False}`` for the network's answer as it is.

        The model is in world RAS, in the organ's colour, with the point arrays ``displacement_mm`` (how far each point
        has moved) and, where the method states it, ``deviation_mm`` (one standard deviation of its place), and the
        attributes XRay3D.Method, XRay3D.Measures (JSON), XRay3D.Quality, XRay3D.Provenance and XRay3D.Warnings. The
        planned organ becomes a wireframe, both get outlines on the films, and a table gets a row.

        Raises XRayLib.errors.InputError when something is missing or the organ was not prepared; the scene then stays
        as it was.
        """
        from X2CTReconLib.panel_organ_scripting import find_organ

        nodes = find_organ(ct, organ, films, pose, method, segment, outputModel, options or {})
        node = self.getParameterNode()
        node.organNow, node.organPlanned, node.organTable = nodes.now, nodes.planned, nodes.table
        return nodes.now

    def prepareOrgan(
        self,
        ct: Any,
        organ: Any,
        films: list[Any] | None = None,
        pose: Any = None,
        method: str = "organ-mesh",
        segment: str = "",
        minutes: float = 45.0,
    ) -> dict[str, Any]:
        """Train an organ method ('Prepare this patient'); goes on where an earlier preparation stopped.

        Parameters as of findOrgan; the angles of ``films`` are those it is trained for, without any the usual ones.

        Returns what is prepared, by method id: bundle, iterations, seconds, finished, validation.
        """
        from X2CTReconLib.panel_organ_scripting import prepare_organ

        return prepare_organ(ct, organ, films or [], pose, method, segment, minutes)


#
# X2CTReconTest
#


class X2CTReconTest(ScriptedLoadableModuleTest):
    """Reload and Test, and ctest: the main job on the bundled radiographs."""

    def setUp(self) -> None:
        """An empty scene."""
        slicer.mrmlScene.Clear()

    def runTest(self) -> None:
        """Run every test."""
        self.setUp()
        self.test_sample_radiographs_become_a_volume()
        self.setUp()
        self.test_bad_input_changes_nothing()

    def test_sample_radiographs_become_a_volume(self) -> None:
        """Two films in; a volume in HU, upright, in the films' own frame out."""
        from X2CTReconLib.panel_samples import sample_files

        logic = X2CTReconLogic()
        films = [logic.addFilm(str(path)) for path in sample_files()]
        shown = logic.reconstruct(films)
        low, high = shown.volume.GetImageData().GetScalarRange()
        self.assertLess(low, -700)
        self.assertGreater(high, 100)
        self.assertEqual(len(shown.reprojections), len(films))
        self.assertEqual(shown.volume.GetAttribute("XRay3D.Method"), "atlas")

    def test_bad_input_changes_nothing(self) -> None:
        """A file that is no X-ray is refused in words, and the scene stays as it was."""
        from XRayLib.errors import XRay3DError

        before = slicer.mrmlScene.GetNumberOfNodes()
        with self.assertRaises(XRay3DError):
            X2CTReconLogic().addFilm(__file__)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), before)
