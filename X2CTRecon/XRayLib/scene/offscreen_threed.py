"""A 3D view without a screen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from XRayLib.scene.offscreen_view import OffscreenView

DIRECTIONS = ("right", "left", "anterior", "posterior", "superior", "inferior")
"""Sides of the patient the camera can stand on."""


class OffscreenThreeDView(OffscreenView):
    """The 3D view of one view node; ``logic`` is its vtkMRMLViewLogic."""

    factory_class = "vtkMRMLThreeDViewDisplayableManagerFactory"
    core_managers = (
        "vtkMRMLCameraDisplayableManager",
        "vtkMRMLViewDisplayableManager",
        "vtkMRMLModelDisplayableManager",
        "vtkMRMLThreeDReformatDisplayableManager",
        "vtkMRMLThreeDSliceEdgeDisplayableManager",
        "vtkMRMLCrosshairDisplayableManager3D",
        "vtkMRMLOrientationMarkerDisplayableManager",
        "vtkMRMLRulerDisplayableManager",
    )
    module_managers = (
        "vtkMRMLColorLegendDisplayableManager",
        "vtkMRMLMarkupsDisplayableManager",
        "vtkMRMLSegmentationsDisplayableManager3D",
        "vtkMRMLTransformsDisplayableManager3D",
        "vtkMRMLLinearTransformsDisplayableManager",
        "vtkMRMLVolumeRenderingDisplayableManager",
    )

    def __init__(self, slicer: Any, application_logic: Any, view_node: Any) -> None:
        super().__init__(slicer, application_logic, view_node)
        self.window.SetAlphaBitPlanes(1)
        self.renderer.SetGradientBackground(True)

    def _create_logic(self, application_logic: Any) -> Any:
        logic = self._slicer.vtkMRMLViewLogic()
        logic.SetMRMLApplicationLogic(application_logic)
        application_logic.GetViewLogics().AddItem(logic)
        logic.SetMRMLScene(self.node.GetScene())
        return logic

    @property
    def camera_node(self) -> Any:
        """The vtkMRMLCameraNode of this view."""
        return self.manager("vtkMRMLCameraDisplayableManager").GetCameraNode()

    def frame(
        self, direction: str = "anterior", *, azimuth_deg: float = 0.0, elevation_deg: float = 0.0, zoom: float = 1.0
    ) -> None:
        """Look at everything visible from a side of the patient, filling the picture.

        Parameters
        ----------
        direction : right, left, anterior, posterior, inferior or superior.
        azimuth_deg, elevation_deg : turn from there as ``orbit`` does.
        zoom : above 1 closer.
        """
        self.look_from(direction)
        self.orbit(azimuth_deg, elevation_deg)
        with self._without_box():
            # Not Reset() of the camera node: it fits the bounding sphere and leaves half of the picture empty.
            self.renderer.ResetCameraScreenSpace(0.9)
        self.renderer.GetActiveCamera().Dolly(zoom)
        self.renderer.ResetCameraClippingRange()

    def look_from(self, direction: str) -> None:
        """Stand on a side of the patient at the same distance as before."""
        if direction not in DIRECTIONS:
            raise ValueError(f"direction must be one of {', '.join(DIRECTIONS)}, not '{direction}'")
        side = getattr(self._slicer.vtkMRMLCameraNode, direction.capitalize())
        self.camera_node.RotateTo(side)

    def reset_focal_point(self) -> None:
        """Turn about the middle of everything visible, as Slicer's centre-view button does."""
        with self._without_box():
            bounds = self.renderer.ComputeVisiblePropBounds()
        if bounds[0] <= bounds[1]:
            self.camera_node.SetFocalPoint([(bounds[2 * axis] + bounds[2 * axis + 1]) / 2 for axis in range(3)])
        self.renderer.ResetCameraClippingRange()

    @contextmanager
    def _without_box(self) -> Iterator[None]:
        """The box and its labels follow the content and must not count as content; afterwards they are fitted."""
        box, labels = self.node.GetBoxVisible(), self.node.GetAxisLabelsVisible()
        self.node.SetBoxVisible(False)
        self.node.SetAxisLabelsVisible(False)
        yield
        self.node.SetBoxVisible(box)
        self.node.SetAxisLabelsVisible(labels)
        self.node.InvokeEvent(self._slicer.vtkMRMLViewNode.ResetFocalPointRequestedEvent)

    def orbit(self, azimuth_deg: float = 0.0, elevation_deg: float = 0.0) -> None:
        """Turn the camera about what it looks at: to the patient's left, and up, when seen from the front."""
        camera = self.renderer.GetActiveCamera()
        camera.Azimuth(azimuth_deg)
        camera.Elevation(elevation_deg)
        camera.OrthogonalizeViewUp()
        self.renderer.ResetCameraClippingRange()

    def _depth_peeling(self) -> None:
        peel = bool(self.node.GetUseDepthPeeling())
        self.renderer.SetUseDepthPeeling(peel)
        self.renderer.SetUseDepthPeelingForVolumes(peel)
        self.renderer.SetMaximumNumberOfPeels(20 if peel else 0)

    def render(self, size_px: tuple[int, int] | None = None) -> Any:
        self._depth_peeling()
        self.renderer.ResetCameraClippingRange()
        return super().render(size_px)
