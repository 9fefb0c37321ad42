"""The buttons both panels share: install what is missing, copy diagnostics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer
from slicer.i18n import tr as _

from XRayLib.scene.dependencies import install_missing, missing_requirements


class ToolButtons:
    """Drives installButton and diagnosticsButton. ``missing`` names the absent packages."""

    def __init__(
        self,
        ui: Any,
        client: Any,
        on_status: Callable[[str], None],
        on_installed: Callable[[], None] = lambda: None,
    ) -> None:
        self.ui = ui
        self.client = client
        self._say = on_status
        self._on_installed = on_installed
        self.missing = missing_requirements()  # looked up once: panels refresh with every slider step
        ui.diagnosticsButton.connect("clicked(bool)", self.copyDiagnostics)
        ui.installButton.connect("clicked(bool)", self.install)

    def refresh(self) -> None:
        """Offer the installation when something is missing."""
        self.ui.installButton.setVisible(bool(self.missing))

    def install(self, _checked: bool = False) -> None:
        """Ask, then install what is missing."""
        with slicer.util.tryWithErrorDisplay(_("The components could not be installed."), waitCursor=True):
            install_missing()
        self.missing = missing_requirements()
        self.refresh()
        self._on_installed()

    def copyDiagnostics(self, _checked: bool = False) -> None:
        """Versions, devices and the last messages, without patient data, to the clipboard."""
        import qt

        qt.QApplication.clipboard().setText(self.client.diagnostics())
        self._say(_("Diagnostics copied to the clipboard."))
