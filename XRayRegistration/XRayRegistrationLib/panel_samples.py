"""The bundled case: a CT with a liver, and two X-rays of the same simulated patient lying elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _
from XRayLib.phantom.moved_sample import CT_FILE, FILMS, LIVER_FILE
from XRayLib.scene.panel.allowed import allow
from XRayLib.scene.sample_data import register_sample, sample_file

THUMBNAIL = Path(__file__).resolve().parents[1] / "Resources" / "Icons" / "MovedTorso.png"
LIVER_COLOR = (0.87, 0.35, 0.25)


def sample_films() -> tuple[Path, ...]:
    """The frontal and the lateral X-ray."""
    return tuple(sample_file(name) for name in FILMS)


def load_patient() -> tuple[Any, Any]:
    """CT and liver as nodes, where the patient was scanned."""
    ct = slicer.util.loadVolume(str(sample_file(CT_FILE)), {"name": _("Torso CT")})
    liver = slicer.util.loadModel(str(sample_file(LIVER_FILE)))
    liver.SetName(slicer.mrmlScene.GenerateUniqueName(_("Liver")))
    liver.GetDisplayNode().SetColor(*LIVER_COLOR)
    liver.GetDisplayNode().SetVisibility2D(True)
    return ct, liver


def register() -> None:
    """Add the case to Slicer's Sample Data module."""
    register_sample("MovedTorso", THUMBNAIL, load)


def load(_source: Any = None) -> list[Any]:
    """CT, liver and X-rays; returns the nodes."""
    from XRayLib.scene.film_loading import add_film_blocking

    return [*load_patient(), *(add_film_blocking(str(path)) for path in sample_films())]


class SampleCase:
    """Drives sampleButton. ``panel`` is the RegistrationPanel."""

    def __init__(self, panel: Any) -> None:
        self._panel = panel
        panel.ui.sampleButton.connect("clicked(bool)", self.add)

    def refresh(self, films: list[Any]) -> None:
        """The sample is a case of its own: it does not join another patient's films."""
        reason = _("Remove the X-rays first: the sample is a patient of its own.")
        allow(self._panel.ui.sampleButton, not films, reason)

    def add(self, _checked: bool = False) -> None:
        """Make the sample the case; the liver moves with the CT."""
        panel = self._panel
        with slicer.util.tryWithErrorDisplay(_("The sample could not be loaded."), waitCursor=True):
            ct, liver = load_patient()
            panel.parameterNode.ctVolume = ct
            panel.attached.attach(liver)
            panel.adding.addFiles([str(path) for path in sample_films()])
