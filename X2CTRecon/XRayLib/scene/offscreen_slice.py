"""A slice view (Red, Yellow, Green or one of our own) without a screen."""

from __future__ import annotations

from typing import Any

from XRayLib.scene.offscreen_view import DEFAULT_SIZE_PX, OffscreenView


class OffscreenSliceView(OffscreenView):
    """The slice view of one slice node; ``logic`` is its vtkMRMLSliceLogic."""

    factory_class = "vtkMRMLSliceViewDisplayableManagerFactory"
    core_managers = (
        "vtkMRMLVolumeGlyphSliceDisplayableManager",
        "vtkMRMLModelSliceDisplayableManager",
        "vtkMRMLCrosshairDisplayableManager",
        "vtkMRMLOrientationMarkerDisplayableManager",
        "vtkMRMLRulerDisplayableManager",
        "vtkMRMLScalarBarDisplayableManager",
    )
    module_managers = (
        "vtkMRMLColorLegendDisplayableManager",
        "vtkMRMLMarkupsDisplayableManager",
        "vtkMRMLSegmentationsDisplayableManager2D",
        "vtkMRMLTransformsDisplayableManager2D",
        "vtkMRMLLinearTransformsDisplayableManager",
    )

    def __init__(self, slicer: Any, application_logic: Any, view_node: Any) -> None:
        super().__init__(slicer, application_logic, view_node)
        self._add_image()
        self.resize_slice(DEFAULT_SIZE_PX)

    def _create_logic(self, application_logic: Any) -> Any:
        logic = self._slicer.vtkMRMLSliceLogic()
        logic.SetMRMLApplicationLogic(application_logic)
        application_logic.GetSliceLogics().AddItem(logic)
        logic.SetSliceNode(self.node)
        logic.SetMRMLScene(self.node.GetScene())
        return logic

    def _add_image(self) -> None:
        """The blended slice behind everything the displayable managers draw; it is already 0..255 colours."""
        import vtk

        mapper = vtk.vtkImageMapper()
        mapper.SetColorWindow(255)
        mapper.SetColorLevel(127.5)
        self._image = vtk.vtkActor2D()
        self._image.SetMapper(mapper)
        self._image.GetProperty().SetDisplayLocationToBackground()
        self.renderer.AddViewProp(self._image)
        self.renderer.SetBackground(0, 0, 0)

    def resize(self, size_px: tuple[int, int]) -> None:
        super().resize(size_px)
        self.resize_slice(size_px)

    def resize_slice(self, size_px: tuple[int, int]) -> None:
        """Keep what is seen when the window changes its size, as Slicer does."""
        self.logic.ResizeSliceNode(*size_px)

    def render(self, size_px: tuple[int, int] | None = None) -> Any:
        connection = self.logic.GetImageDataConnection()
        self._image.GetMapper().SetInputConnection(connection)
        self._image.SetVisibility(connection is not None)
        return super().render(size_px)
