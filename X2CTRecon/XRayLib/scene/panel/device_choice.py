"""Where the work runs: the user's setting, kept between sessions and not in the scene."""

from __future__ import annotations

from typing import Any

import slicer
from slicer.i18n import tr as _

SETTING = "XRay3D/Device"


class DeviceChoice:
    """Binds a combo box to the setting ``XRay3D/Device`` (auto, cpu, cuda)."""

    def __init__(self, combo: Any) -> None:
        self._combo = combo
        for name, title in (
            ("auto", _("Automatic")),
            ("cpu", _("Processor (CPU)")),
            ("cuda", _("Graphics card (GPU)")),
        ):
            combo.addItem(title, name)
        saved = slicer.util.settingsValue(SETTING, "auto")
        names = [combo.itemData(index) for index in range(combo.count)]
        combo.setCurrentIndex(names.index(saved) if saved in names else 0)
        combo.connect("currentIndexChanged(int)", self._save)

    @property
    def value(self) -> str:
        """auto, cpu or cuda."""
        return self._combo.itemData(self._combo.currentIndex)

    def _save(self, _index: int) -> None:
        slicer.app.settings().setValue(SETTING, self.value)
