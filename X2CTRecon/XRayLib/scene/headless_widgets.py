"""Views under the method names of Slicer's view widgets, for code that reaches them through the layout manager."""

from __future__ import annotations

from typing import Any

from XRayLib.scene.offscreen_slice import OffscreenSliceView
from XRayLib.scene.offscreen_threed import OffscreenThreeDView
from XRayLib.scene.offscreen_view import OffscreenView


class SliceWidget:
    """A slice view under the method names of qMRMLSliceWidget."""

    def __init__(self, view: OffscreenSliceView) -> None:
        self.view = view

    def sliceLogic(self) -> Any:
        return self.view.logic

    def mrmlSliceNode(self) -> Any:
        return self.view.node

    def mrmlSliceCompositeNode(self) -> Any:
        return self.view.logic.GetSliceCompositeNode()

    def fitSliceToBackground(self) -> None:
        self.view.logic.FitSliceToBackground()

    def sliceView(self) -> SliceSurface:
        return SliceSurface(self.view)


class ThreeDWidget:
    """A 3D view under the method names of qMRMLThreeDWidget."""

    def __init__(self, view: OffscreenThreeDView) -> None:
        self.view = view

    def mrmlViewNode(self) -> Any:
        return self.view.node

    def viewLogic(self) -> Any:
        return self.view.logic

    def threeDView(self) -> ThreeDSurface:
        return ThreeDSurface(self.view)


class ViewSurface:
    """What qMRMLSliceView and qMRMLThreeDView share."""

    def __init__(self, view: OffscreenView) -> None:
        self.view = view

    def renderWindow(self) -> Any:
        return self.view.window

    def interactor(self) -> Any:
        return self.view.interactor

    def displayableManagerByClassName(self, class_name: str) -> Any:
        return self.view.manager(class_name)

    def scheduleRender(self) -> None:
        """Views draw when a picture is asked for."""

    def forceRender(self) -> None:
        self.view.render()


class SliceSurface(ViewSurface):
    """A slice view under the method names of qMRMLSliceView."""

    def mrmlSliceNode(self) -> Any:
        return self.view.node


class ThreeDSurface(ViewSurface):
    """A 3D view under the method names of qMRMLThreeDView."""

    view: OffscreenThreeDView

    def mrmlViewNode(self) -> Any:
        return self.view.node

    def cameraNode(self) -> Any:
        return self.view.camera_node

    def resetFocalPoint(self) -> None:
        self.view.reset_focal_point()

    def resetCamera(self, rotation: bool = True, translation: bool = True, distance: bool = True) -> None:
        self.view.camera_node.Reset(rotation, translation, distance, self.view.renderer)

    def rotateToViewAxis(self, axis: int) -> None:
        """0 to 5: from the patient's left, right, back, front, below, above (-X, +X, -Y, +Y, -Z, +Z in LPS)."""
        self.view.look_from(("left", "right", "posterior", "anterior", "inferior", "superior")[axis])
