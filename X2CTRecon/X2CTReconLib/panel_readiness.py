"""Which of the reconstruction's buttons can be pressed now, and why the others cannot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _
from XRayLib.case import Case
from XRayLib.errors import XRay3DError
from XRayLib.registry import method
from XRayLib.scene.panel.allowed import allow
from XRayLib.scene.radiograph_nodes import film_version


class RunReadiness:
    """Enables Apply and Find on every frame. ``case_of(films)`` makes the case of a run."""

    def __init__(self, panel: Any, bar: Any, case_of: Callable[[list[Any]], Case]) -> None:
        self.panel = panel
        self._bar = bar
        self._case_of = case_of
        self._checked: tuple[tuple, tuple[bool, str]] | None = None

    def refresh(self, films: list[Any]) -> None:
        """Enable the buttons, or say why not."""
        ready, reason = self.of(films)
        self._bar.allow(ready, reason)
        several = len(self.panel.frames.values()) > 1
        tip = self._run_tip(ready, reason, several)
        allow(self.panel.ui.applyRunButton, ready and several and not self._bar.running, tip, tip)

    def of(self, films: list[Any]) -> tuple[bool, str]:
        """Whether Apply can run, and the tooltip that says why not."""
        panel = self.panel
        if missing := panel.missingFilms():
            return False, missing
        prepared = panel.preparation.state if panel.patient.what else {}
        bundle = None if prepared is None else prepared.get("bundle")
        place = panel.parameterNode.method, panel.patient.version(), prepared is None, bundle
        state = (*place, *map(film_version, films))
        if self._checked is None or self._checked[0] != state:
            self._checked = (state, self._check(films))
        return self._checked[1]

    def _check(self, films: list[Any]) -> tuple[bool, str]:
        panel = self.panel
        chosen = method(panel.parameterNode.method)
        try:
            case = self._case_of(films)
            if chosen.needs.mesh and case.ct is not None and case.mesh is None:
                return False, panel.patient.missing
            chosen.check(case)
        except XRay3DError as error:
            return False, str(error)
        if not panel.patient.what:
            return True, _("Reconstruct the volume.")
        state = panel.preparation.state
        if state is None:
            return False, _("Looking up whether the patient is prepared ...")
        if not state.get("bundle"):
            return False, _(
                "{method} has not been trained for this organ of this CT: press 'Prepare this patient'."
            ).format(method=chosen.title)
        return True, _("Find the organ on the X-rays.")

    def _run_tip(self, ready: bool, reason: str, several: bool) -> str:
        if self._bar.running:
            return _("A job is running.")
        if not several:
            return _("Add a run of X-rays first.")
        return _("Find the organ on every frame; it then moves with the film.") if ready else reason
