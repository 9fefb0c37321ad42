"""Fluoroscopy runs: from a multi-frame file, or from a sequence in the scene, to a sequence of X-rays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from XRayLib.errors import InputError
from XRayLib.scene.film_loading import discard_temporary_file, file_of_node, film_name
from XRayLib.scene.film_run import put_film_run
from XRayLib.scene.panel.allowed import allow
from XRayLib.scene.radiograph_nodes import is_radiograph


class RunAdding:
    """Drives addRunButton, runSelector and useRunButton; ``on_added(browser, films)`` when a run has arrived."""

    def __init__(
        self, ui: Any, client: Any, on_added: Callable[[Any, list[Any]], None], on_status: Callable[[str], None]
    ) -> None:
        self.ui = ui
        self.client = client
        self._on_added = on_added
        self._say = on_status
        self._temporary = ""
        ui.addRunButton.connect("clicked(bool)", self.chooseFile)
        ui.useRunButton.connect("clicked(bool)", self.useRun)
        ui.runSelector.connect("currentNodeChanged(vtkMRMLNode*)", self._selection_changed)

    def forget(self) -> None:
        """Nothing is awaited any more of the frame that was being loaded."""
        if self._temporary:
            discard_temporary_file(self._temporary)
            self._temporary = ""

    def chooseFile(self, _checked: bool = False) -> None:
        """Let the user pick a multi-frame image."""
        import qt

        path = qt.QFileDialog.getOpenFileName(
            slicer.util.mainWindow(),
            _("Add a run of X-rays"),
            "",
            _("X-ray runs (*.dcm *.ima *.tif *.tiff *.nrrd *.nii *.nii.gz *.mha *.mhd);;All files (*)"),
        )
        if path:
            self.addFile(path)

    def addFile(self, path: str) -> None:
        """Load every frame of a file; all or none arrive."""
        file = Path(path).name

        def counted(value: Any) -> None:
            frames = int(value["frames"])
            if frames < 2:
                self._refused(_("{name} holds one X-ray only: add it under X-rays.").format(name=file))
                return
            self._load(file, frames, lambda index: (path, index), lambda arrived: self._arrived(path, arrived))

        self.client.request(
            "count_frames", {"path": str(Path(path).absolute())}, on_result=counted, on_error=self._failed
        )

    def useRun(self, _checked: bool = False) -> None:
        """Make X-rays of every image sequence of the chosen browser."""
        browser = self.ui.runSelector.currentNode()
        if browser is None:
            return
        images = [node for node in _proxies(browser) if node.IsA("vtkMRMLVolumeNode")]
        films = [node for node in images if is_radiograph(node)]
        if films:
            self._on_added(browser, films)
        elif images:
            self._convert(browser, images, [])
        else:
            self._refused(_("'{name}' shows no images: choose a run of X-rays.").format(name=browser.GetName()))

    def _convert(self, browser: Any, images: list[Any], films: list[Any]) -> None:
        """One image sequence after the other (biplane runs have two)."""
        image = images[0]

        def file_at(index: int) -> tuple[str, int]:
            browser.SetSelectedItemNumber(index)
            return file_of_node(image)

        def arrived(radiographs: list[Any]) -> None:
            _browser, film = put_film_run(image.GetName() + " X-ray", radiographs, browser)
            if images[1:]:
                self._convert(browser, images[1:], [*films, film])
            else:
                self._say("")
                self._on_added(browser, [*films, film])

        self._load(image.GetName(), browser.GetMasterSequenceNode().GetNumberOfDataNodes(), file_at, arrived)

    def _load(
        self, name: str, frames: int, file_at: Callable[[int], tuple[str, int]], on_all: Callable[[list[Any]], None]
    ) -> None:
        loaded: list[Any] = []

        def load_next() -> None:
            if len(loaded) == frames:
                on_all(loaded)
                return
            self._say(
                _("Loading {name}, frame {number} of {frames} ...").format(
                    name=name, number=len(loaded) + 1, frames=frames
                )
            )
            try:
                path, index = file_at(len(loaded))
            except InputError as error:
                self._refused(str(error))
                return

            self._temporary = path

            def arrived(value: Any) -> None:
                self.forget()
                loaded.append(value.radiograph)
                load_next()

            def failed(failure: Any) -> None:
                self.forget()
                self._failed(failure)

            self.client.load_radiograph(path, frame_index=index, on_result=arrived, on_error=failed)

        load_next()

    def _arrived(self, path: str, radiographs: list[Any]) -> None:
        browser, film = put_film_run(film_name(path, radiographs[0]), radiographs)
        self._say("")
        self._on_added(browser, [film])

    def _failed(self, failure: Any) -> None:
        self._refused(failure.message)

    def _refused(self, text: str) -> None:
        self._say(text)
        slicer.util.errorDisplay(text)

    def _selection_changed(self, browser: Any) -> None:
        reason, tip = _("Choose a run in the scene first."), _("Make X-rays of the run's frames.")
        allow(self.ui.useRunButton, browser is not None, reason, tip)


def _proxies(browser: Any) -> list[Any]:
    import vtk

    found = vtk.vtkCollection()
    browser.GetAllProxyNodes(found)
    return [found.GetItemAsObject(index) for index in range(found.GetNumberOfItems())]
