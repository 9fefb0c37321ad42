"""Adding X-rays to the case: from files, or from images that are already in the scene."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from XRayLib.errors import InputError
from XRayLib.scene.film_loading import discard_temporary_file, file_of_node, film_name
from XRayLib.scene.panel.allowed import allow
from XRayLib.scene.radiograph_nodes import is_radiograph, put_radiograph


class FilmAdding:
    """The buttons under the film rows. ``on_added(node)`` for each film that arrives, in the order asked for;
    ``on_coming()`` when ``coming``, the number of films that are still being loaded, has changed otherwise."""

    def __init__(
        self,
        ui: Any,
        client: Any,
        on_added: Callable[[Any], None],
        on_coming: Callable[[], None],
        on_status: Callable[[str], None],
    ) -> None:
        self.ui = ui
        self.client = client
        self.coming = 0
        self._temporary: set[str] = set()
        self._on_added = on_added
        self._on_coming = on_coming
        self._say = on_status
        ui.addFileButton.connect("clicked(bool)", self.chooseFiles)
        ui.addNodeButton.connect("clicked(bool)", self.addSceneImage)
        ui.sceneImageSelector.connect("currentNodeChanged(vtkMRMLNode*)", self._selection_changed)

    def chooseFiles(self, _checked: bool = False) -> None:
        """Let the user pick image files."""
        import qt

        paths = qt.QFileDialog.getOpenFileNames(
            slicer.util.mainWindow(),
            _("Add X-rays"),
            "",
            _("X-rays (*.dcm *.ima *.png *.jpg *.jpeg *.tif *.tiff *.nrrd *.nii *.nii.gz *.mha *.mhd);;All files (*)"),
        )
        self.addFiles(list(paths))

    def addFiles(self, paths: Sequence[str]) -> None:
        """Load files one after the other; a file that cannot be used is explained and changes nothing."""
        self._expect(len(paths))
        self._load(paths)

    def forget(self) -> None:
        """The scene closes: what was to be loaded is not awaited any more."""
        self.coming = 0
        while self._temporary:
            discard_temporary_file(self._temporary.pop())

    def _load(self, paths: Sequence[str]) -> None:
        if not paths:
            return
        path, rest = paths[0], list(paths[1:])
        self._say(_("Loading {name} ...").format(name=Path(path).name))

        def arrived(loaded: Any) -> None:
            self.coming -= 1
            try:
                self._on_added(put_radiograph(loaded.radiograph, film_name(path, loaded.radiograph)))
                self._say("")
            finally:
                self._load(rest)

        def refused(failure: Any) -> None:
            self._expect(-1)
            self._say(failure.message)
            slicer.util.errorDisplay(failure.message)
            self._load(rest)

        self.client.load_radiograph(path, on_result=arrived, on_error=refused)

    def addSceneImage(self, _checked: bool = False) -> None:
        """Make an X-ray of the chosen image in the scene; one that is an X-ray already just joins the case."""
        node = self.ui.sceneImageSelector.currentNode()
        if node is None:
            return
        if is_radiograph(node):
            self._on_added(node)
            return
        name = node.GetName()
        self._say(_("Reading {name} ...").format(name=name))
        try:
            path, frame = file_of_node(node)
        except InputError as error:
            self._say(str(error))
            return

        self._temporary.add(path)
        self._expect(1)

        def discard() -> None:
            self._temporary.discard(path)
            discard_temporary_file(path)

        def arrived(loaded: Any) -> None:
            discard()
            self.coming -= 1
            self._on_added(put_radiograph(loaded.radiograph, name + " X-ray"))
            self._say("")

        def refused(failure: Any) -> None:
            discard()
            self._expect(-1)
            self._say(failure.message)
            slicer.util.errorDisplay(failure.message)

        self.client.load_radiograph(path, frame_index=frame, on_result=arrived, on_error=refused)

    def _expect(self, more: int) -> None:
        """So many more films are to come, or fewer."""
        self.coming += more
        self._on_coming()

    def _selection_changed(self, node: Any) -> None:
        reason, tip = _("Choose an image in the scene first."), _("Add this image to the case.")
        allow(self.ui.addNodeButton, node is not None, reason, tip)
