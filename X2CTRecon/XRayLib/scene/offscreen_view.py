"""What a slice view and a 3D view have in common: window, renderer, displayable managers, a MRML view node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from XRayLib.scene.offscreen_window import Image, create_offscreen_window, require_opengl, window_image

DEFAULT_SIZE_PX = (640, 480)


class OffscreenView:
    """A Slicer view without a screen: its displayable managers draw the scene into a picture."""

    factory_class = ""
    """Name of the displayable manager factory of this kind of view."""
    core_managers: Sequence[str] = ()
    """Displayable managers that Slicer's own view widget registers, in its order."""
    module_managers: Sequence[str] = ()
    """Displayable managers that Slicer's loadable modules register at start-up."""

    def __init__(self, slicer: Any, application_logic: Any, view_node: Any) -> None:
        import vtk

        self._slicer = slicer
        self.node = view_node
        self.window = create_offscreen_window(DEFAULT_SIZE_PX)
        self.renderer = vtk.vtkRenderer()
        self.window.AddRenderer(self.renderer)
        self.interactor = vtk.vtkRenderWindowInteractor()
        self.interactor.EnableRenderOff()
        self.interactor.SetRenderWindow(self.window)
        self.interactor.SetInteractorStyle(vtk.vtkInteractorStyleUser())
        self.logic = self._create_logic(application_logic)
        self.manager_group = self._create_managers()
        self.logic.SetDisplayableManagerGroup(self.manager_group)
        self.manager_group.SetMRMLDisplayableNode(view_node)

    def _create_logic(self, application_logic: Any) -> Any:
        raise NotImplementedError

    def _create_managers(self) -> Any:
        factory = getattr(self._slicer, self.factory_class).GetInstance()
        group_class = self._slicer.vtkMRMLDisplayableManagerGroup
        for name in (*self.module_managers, *self.core_managers):
            # The wheel lists vtkMRMLThreeDSliceEdgeDisplayableManager but cannot make one.
            if not factory.IsDisplayableManagerRegistered(name) and group_class.InstantiateDisplayableManager(name):
                factory.RegisterDisplayableManager(name)
        return factory.InstantiateDisplayableManagers(self.renderer)

    @property
    def tag(self) -> str:
        """The view's name in layouts: Red, Yellow, 1, ..."""
        return self.node.GetLayoutName()

    @property
    def size_px(self) -> tuple[int, int]:
        """Columns, rows."""
        return tuple(self.window.GetSize())  # type: ignore[return-value]

    def resize(self, size_px: tuple[int, int]) -> None:
        """Change the picture's columns and rows."""
        if tuple(size_px) != self.size_px:
            self.window.SetSize(*size_px)
            self.interactor.UpdateSize(*size_px)

    def manager(self, class_name: str) -> Any:
        """One of the view's displayable managers, None when this view has none of that class."""
        return self.manager_group.GetDisplayableManagerByClassName(class_name)

    def render(self, size_px: tuple[int, int] | None = None) -> Image:
        """Draw the scene and return the picture.

        Raises MissingDependencyError on a computer without OpenGL, where the scene is usable all the same.
        """
        require_opengl()
        if size_px is not None:
            self.resize(size_px)
        self.window.Render()
        return window_image(self.window)

    def close(self) -> None:
        """Let go of the scene and of the graphics memory."""
        self.manager_group.SetMRMLDisplayableNode(None)
        self.logic.SetMRMLScene(None)
        self.interactor.SetRenderWindow(None)
        self.window.Finalize()
