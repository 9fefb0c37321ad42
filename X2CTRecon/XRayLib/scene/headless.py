"""3D Slicer's scene, logics and views without its window: for the demo, the command line and tests.

Runs on the wheel ``slicer-core`` and in Slicer's ``PythonSlicer``. Everything here is Slicer's own MRML; only what
lives in Slicer's Qt libraries (application object, layout manager, subject hierarchy upkeep) is stood in for.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path
from typing import Any

from XRayLib.errors import InputError, XRay3DError
from XRayLib.scene.headless_application import HeadlessApplication, publish, refuse_inside_slicer
from XRayLib.scene.headless_kits import load_slicer, slicer_share_folder
from XRayLib.scene.headless_layout import HeadlessLayoutManager
from XRayLib.scene.headless_logics import create_logics
from XRayLib.scene.headless_subject_hierarchy import SubjectHierarchyUpdater
from XRayLib.scene.offscreen_slice import OffscreenSliceView
from XRayLib.scene.offscreen_threed import OffscreenThreeDView
from XRayLib.scene.offscreen_window import Image
from XRayLib.scene.vtk_messages import without_vtk_warnings

FOUR_UP_LAYOUT = 3
"""vtkMRMLLayoutNode::SlicerLayoutFourUpView: 3D, Red, Green, Yellow."""


SCENE_VERSION = "Slicer 5.12.0 0"
"""Written into scene files: Slicer warns when they name another application or a newer version than its own."""


class HeadlessSlicer:
    """One scene with Slicer's logics and views; publishes itself as ``slicer.mrmlScene``, ``.app`` and ``.modules``.

    Use it once per process, or as a context manager:

    >>> with HeadlessSlicer() as session:
    ...     node = slicer.util.addVolumeFromArray(voxels)
    ...     picture = session.render_view("Red")
    ...     session.save_scene("scene.mrb")
    """

    def __init__(self) -> None:
        slicer = load_slicer()
        refuse_inside_slicer(slicer)
        self.slicer = slicer
        self._scratch = Path(tempfile.mkdtemp(prefix="xray3d_scene_"))
        self._remove_scratch = weakref.finalize(self, shutil.rmtree, self._scratch, ignore_errors=True)
        share = slicer_share_folder()
        self.scene = slicer.vtkMRMLScene()
        self.scene.SetVersion(SCENE_VERSION)
        self.scene.SetRootDirectory(str(self._scratch))
        if hasattr(slicer, "vtkMRMLColorLegendDisplayNode"):  # registered by the Qt part of Slicer's Colors module
            self.scene.RegisterNodeClass(slicer.vtkMRMLColorLegendDisplayNode())
        self._add_crosshair()
        self.application_logic = self._create_application_logic(share)
        self.logics = create_logics(slicer, self.application_logic, self.scene, share, self._scratch)
        slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(self.scene, True)
        self._subject_hierarchy = SubjectHierarchyUpdater(slicer, self.scene)
        self.layout_manager = HeadlessLayoutManager(slicer, self.application_logic, self.scene)
        self.application = HeadlessApplication(self.application_logic, self.layout_manager, self.scene)
        publish(slicer, self.application, self.logics)
        self.layout_manager.setLayout(FOUR_UP_LAYOUT)

    def _add_crosshair(self) -> None:
        crosshair = self.slicer.vtkMRMLCrosshairNode()
        crosshair.SetCrosshairName("default")
        self.scene.AddNode(crosshair)

    def _create_application_logic(self, share: Path | None) -> Any:
        import vtk

        slicer = self.slicer
        logic = slicer.vtkSlicerApplicationLogic()
        logic.SetTemporaryPath(str(self._scratch))
        if share is not None:
            logic.SetHomeDirectory(str(share.parents[1]))
            logic.SetShareDirectory(str(share.relative_to(share.parents[1])))
        logic.SetMRMLScene(self.scene)
        self._set_up_data_io(logic)
        colors = logic.GetColorLogic()
        colors.SetMRMLScene(self.scene)
        colors.AddDefaultColorNodes()
        logic.SetSliceLogics(vtk.vtkCollection())
        logic.SetViewLogics(vtk.vtkCollection())
        for factory in (
            slicer.vtkMRMLThreeDViewDisplayableManagerFactory,
            slicer.vtkMRMLSliceViewDisplayableManagerFactory,
        ):
            factory.GetInstance().SetMRMLApplicationLogic(logic)
        return logic

    def _set_up_data_io(self, application_logic: Any) -> None:
        """The folder in which .mrb files are packed and unpacked."""
        remote = self.slicer.vtkMRMLRemoteIOLogic()
        remote.GetCacheManager().SetRemoteCacheDirectory(str(self._scratch))
        data_io = self.slicer.vtkDataIOManagerLogic()
        data_io.SetMRMLApplicationLogic(application_logic)
        data_io.SetAndObserveDataIOManager(remote.GetDataIOManager())
        application_logic.SetMRMLSceneDataIO(self.scene, remote, data_io)
        self._data_io = (remote, data_io)

    def logic(self, module: str) -> Any:
        """The logic of a module by its name, as ``slicer.modules.<name>.logic()``."""
        return self.logics[module]

    def slice_view(self, tag: str = "Red") -> OffscreenSliceView:
        """The slice view of that name; made when no layout has it yet."""
        view = self.layout_manager.slice_view(tag)
        if view is None:
            node = self.slicer.vtkMRMLSliceNode()
            node.SetLayoutName(tag)
            node.SetName(tag)
            node.SetSingletonTag(tag)
            self.scene.AddNode(node)
            view = self.layout_manager.slice_view(tag)
        assert view is not None
        return view

    def three_d_view(self, index: int = 0) -> OffscreenThreeDView:
        """A 3D view in the order in which they were made."""
        return self.layout_manager.three_d_views()[index]

    def render_view(self, name: str, size_px: tuple[int, int] | None = None) -> Image:
        """The picture of a view.

        Parameters
        ----------
        name : "threeD" (or "threeD:1" for the second 3D view), or the name of a slice view: Red, Yellow, Green, ...
        size_px : columns, rows; None keeps the view's size.

        Returns
        -------
        (rows, columns, 3) uint8.
        """
        if name.startswith("threeD"):
            return self.three_d_view(int(name.partition(":")[2] or 0)).render(size_px)
        return self.slice_view(name).render(size_px)

    def save_scene(self, path: str | Path) -> Path:
        """Write the scene with its data as a .mrb that Slicer opens; the 3D view becomes its thumbnail."""
        path = Path(path).resolve()
        if path.suffix != ".mrb":
            raise InputError(f"'{path.name}' does not end in .mrb: choose a Slicer scene bundle as the output.")
        path.parent.mkdir(parents=True, exist_ok=True)
        messages = self.slicer.vtkMRMLMessageCollection()
        if not self.scene.WriteToMRB(str(path), None, messages):
            raise XRay3DError(f"The scene could not be written to '{path}': {messages.GetAllMessagesAsString()}")
        return path

    def load_scene(self, path: str | Path, *, clear: bool = True) -> None:
        """Read a .mrb, replacing the scene or, with ``clear=False``, adding to it."""
        path = Path(path).resolve()
        if not path.is_file():
            raise InputError(f"There is no scene file '{path}'.")
        messages = self.slicer.vtkMRMLMessageCollection()
        if not self.scene.ReadFromMRB(str(path), clear, messages):
            raise XRay3DError(f"The scene '{path}' could not be read: {messages.GetAllMessagesAsString()}")
        self.layout_manager.update_views()

    def clear(self) -> None:
        """Close the scene as Slicer's File / Close Scene does: singletons stay, everything else goes."""
        self.scene.Clear(0)
        self.layout_manager.update_views()

    def close(self) -> None:
        """Close views and scene and remove temporary files; the session is of no use afterwards."""
        if not self._remove_scratch.alive:
            return
        self.layout_manager.close()
        self._subject_hierarchy.close()
        self.scene.Clear(0)
        with without_vtk_warnings():
            for logic in (*self.logics.values(), self.application_logic):
                logic.SetMRMLScene(None)
        self._remove_scratch()

    def __enter__(self) -> HeadlessSlicer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
