"""Which of the registration's buttons can be pressed now, and why the others cannot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _
from XRayLib.case import Case
from XRayLib.errors import XRay3DError
from XRayLib.scene.matrices import place_version
from XRayLib.scene.panel.allowed import allow
from XRayLib.scene.radiograph_nodes import film_version

from XRayRegistrationLib.landmark_pairs import is_enough
from XRayRegistrationLib.panel_case import has_been_placed, landmarks_of
from XRayRegistrationLib.panel_landmarks import missing_text


class RunReadiness:
    """Enables Register, Refine, Place and Register sequence. ``case_of(films, start)`` makes the case of a run."""

    def __init__(self, panel: Any, bar: Any, case_of: Callable[[list[Any], str], Case]) -> None:
        self.panel = panel
        self.ui = panel.ui
        self._bar = bar
        self._case_of = case_of
        self._checked: tuple[tuple, tuple[bool, str]] | None = None

    def refresh(self, films: list[Any], locked: bool) -> None:
        """Enable the buttons, or say why not."""
        node, ui = self.panel.parameterNode, self.ui
        ready, reason = self._readiness(films, locked)
        self._bar.allow(ready, reason)
        if self._bar.running:
            for button in (ui.refineButton, ui.placeButton, ui.registerSequenceButton):
                allow(button, False, _("A job is running."))
            return
        landmarks = landmarks_of(node.ctLandmarks, films)
        can_start = ready or (node.start.value == "landmarks" and not locked and not self.panel.missingFilms())
        placed = can_start and _is_placed(node)
        tip = _("Improve the present pose: start where the CT is now.")
        allow(ui.refineButton, placed, _("Place or register the CT first.") if can_start else reason, tip)
        can_place = node.ctVolume is not None and is_enough(landmarks) and not locked
        tip = _("Move the CT to where the landmarks fit best, without refinement.")
        allow(ui.placeButton, can_place, reason if locked else missing_text(landmarks), tip)
        several = len(self.panel.frames.values()) > 1
        tip = _("Register every frame, each from the pose of the one before.")
        against = reason if several else _("Add X-rays of two or more frames.")
        allow(ui.registerSequenceButton, ready and several, against, tip)

    def _readiness(self, films: list[Any], locked: bool) -> tuple[bool, str]:
        node, method = self.panel.parameterNode, self.panel.choice.method
        if locked:
            return False, _("The pose is accepted: press Edit to change it.")
        if method is None:
            return False, _("No registration method is installed.")
        if missing := self.panel.missingFilms():
            return False, missing
        if self.panel.choice.deforms and self.panel.organ.problem:
            return False, self.panel.organ.problem
        ct, start = node.ctVolume, node.start.value
        pixels = landmarks_of(node.ctLandmarks, films).pixels.tobytes()
        version = None if ct is None else (ct.GetID(), ct.GetMTime(), ct.GetTransformNodeID(), place_version(ct))
        state = (method.id, start, version, id(self.panel.organ.surface), pixels, *map(film_version, films))
        if self._checked is None or self._checked[0] != state:
            self._checked = (state, self._check(films, start))
        return self._checked[1]

    def _check(self, films: list[Any], start: str) -> tuple[bool, str]:
        node, method = self.panel.parameterNode, self.panel.choice.method
        try:
            if node.ctVolume is None:
                method.check(Case(tuple(films)))
            case = self._case_of(films, start)
            method.check(case)
        except XRay3DError as error:
            return False, str(error)
        if start == "landmarks" and case.landmarks is None:
            return False, missing_text(landmarks_of(node.ctLandmarks, films))
        return True, _("Find the CT's pose on the X-rays.")


def _is_placed(node: Any) -> bool:
    try:
        return node.ctVolume is not None and has_been_placed(node.ctVolume)
    except XRay3DError:
        return False
