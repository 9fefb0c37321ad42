"""Preparing the learned methods for one patient, in a worker of its own so that the panel stays usable."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any, Protocol

import slicer
from slicer.i18n import tr as _

from XRayLib.case import SurfaceMesh
from XRayLib.scene.panel.allowed import allow


class Chosen(Protocol):
    """What is to be prepared: the panel's choices."""

    @property
    def what(self) -> str:
        """Id of the method, empty for none."""

    @property
    def ct(self) -> Any:
        """The CT as a Volume in its own RAS, None without one."""

    @property
    def organ(self) -> SurfaceMesh | None:
        """The organ in the CT, None without one."""

    @property
    def missing(self) -> str:
        """What must be chosen first beside the CT, in one sentence; empty when nothing is missing."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """Of the preparation."""


@dataclass(frozen=True, eq=False)
class _Subject:
    """What a state is of. Objects that are the same, not equal: both are big."""

    ct: Any = None
    organ: SurfaceMesh | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Subject) and self.ct is other.ct and self.organ is other.organ


class PreparationPanel:
    """Drives the Prepare section but for the choice of the method.

    ``make_client`` gives the worker that trains when it is first needed; ``state_client`` tells what is prepared, by
    default the same. ``on_changed()`` when that is known anew.
    """

    def __init__(
        self,
        ui: Any,
        make_client: Callable[[], Any],
        chosen: Chosen,
        state_client: Any = None,
        on_changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.ui = ui
        self._client: Any = None
        self._make_client = make_client
        self._state_client = state_client
        self._chosen = chosen
        self._on_changed = on_changed
        self._usable = False
        self._running = False
        self._job: Any = None
        self._asked_for = _Subject()
        self._state: Mapping[str, Any] | None = None
        ui.prepareButton.connect("clicked(bool)", self.prepare)
        ui.cancelPreparationButton.connect("clicked(bool)", self.cancel)
        ui.prepareCollapsibleButton.connect("contentsCollapsed(bool)", lambda _collapsed: self.refresh())

    @property
    def client(self) -> Any:
        """The worker of the preparation, started when it is first needed."""
        if self._client is None:
            self._client = self._make_client()
        return self._client

    @property
    def running(self) -> bool:
        """Whether a preparation runs."""
        return self._running

    @property
    def state(self) -> Mapping[str, Any] | None:
        """What exists of the chosen method for the chosen CT and organ; None while that is not known."""
        if self._state is None or self._asked_for != self._subject():
            return None
        return self._state.get(self._chosen.what, {})

    def follow(self, parameter_node: Any) -> None:
        """Whether there is a parameter node; a running preparation goes on, as it belongs to the CT."""
        self._usable = parameter_node is not None
        self._asked_for, self._state = _Subject(), None

    def refresh(self) -> None:
        """Show what is prepared, and whether the button can be pressed."""
        subject, missing = self._subject(), self._chosen.missing
        wanted = self._state_client is not None or not self.ui.prepareCollapsibleButton.collapsed
        is_new = subject.ct is not None and not missing and subject != self._asked_for
        if is_new and wanted and not self._running:
            self._ask_state(subject)
        allowed, tip = self._allowed()
        allow(self.ui.prepareButton, allowed, tip, tip)
        allow(self.ui.cancelPreparationButton, self._running, _("Nothing is being prepared."))
        text = html.escape(missing) or state_html(self.state or {})
        self.ui.preparationLabel.text = "" if subject.ct is None else text

    def prepare(self, _checked: bool = False) -> None:
        """Start, or continue what was cancelled."""
        subject = self._subject()
        if self._running or subject.ct is None:
            return
        settings = self._chosen.settings
        self._running = True
        self.ui.preparationProgressBar.setVisible(True)
        self.ui.preparationProgressBar.setValue(0)
        self._say(_("Starting ..."))
        self.refresh()
        self._job = self.client.prepare_patient(
            subject.ct,
            self._chosen.what,
            settings,
            mesh=subject.organ,
            on_progress=self._progress,
            on_result=lambda state: self._done(state, subject),
            on_error=self._failed,
        )

    def cancel(self, _checked: bool = False) -> None:
        """Stop; what was learned is kept for the next time."""
        self._say(_("Cancelling ..."))
        allow(self.ui.cancelPreparationButton, False, _("The preparation is being cancelled."))
        self.client.cancel(self._job)

    def close(self) -> None:
        """The application closes."""
        if self._client is not None:
            self._client.close()

    def _subject(self) -> _Subject:
        chosen = self._chosen
        return _Subject(chosen.ct, chosen.organ) if self._usable and chosen.what else _Subject()

    def _allowed(self) -> tuple[bool, str]:
        if self._running:
            return False, _("A preparation is running.")
        if not torch_installed():
            return False, _(
                "Preparing needs PyTorch: install the PyTorch extension in the Extensions Manager, then "
                "'Install PyTorch' in its module. Methods that need no training need neither."
            )
        if not self._usable or self._chosen.ct is None:
            return False, _("Choose a CT first.")
        if self._chosen.missing:
            return False, self._chosen.missing
        return True, _("Train this method on simulated X-rays of this CT.")

    def _ask_state(self, subject: _Subject) -> None:
        self._asked_for, self._state = subject, None

        def show(state: Mapping[str, Any]) -> None:
            if self._asked_for == subject:
                self._state = state
                self.refresh()
                self._on_changed()

        client = self._state_client or self.client
        client.preparation_state(
            subject.ct, mesh=subject.organ, on_result=show, on_error=lambda failure: self._say(failure.message)
        )

    def _progress(self, fraction: float, stage: str, remaining_s: float | None = None) -> None:
        self.ui.preparationProgressBar.setValue(round(100 * fraction))
        self._say(stage if not remaining_s or remaining_s < 1 else f"{stage}, {time_left(remaining_s)}")

    def _done(self, state: Mapping[str, Any], subject: _Subject) -> None:
        self._asked_for, self._state = subject, state
        self._idle(_("The patient is prepared."))

    def _failed(self, failure: Any) -> None:
        self._asked_for = _Subject()  # what was learned so far is told anew
        if failure.code == "cancelled":
            self._idle(_("Cancelled. What was learned so far is kept."))
            return
        message = f"{failure.message} {failure.hint}".strip()
        self._idle(message)
        slicer.util.errorDisplay(message, detailedText=failure.detail)

    def _idle(self, text: str) -> None:
        self._running = False
        self.ui.preparationProgressBar.setVisible(False)
        self._say(text)
        self.refresh()
        self._on_changed()

    def _say(self, text: str) -> None:
        self.ui.preparationStatusLabel.text = text


def state_html(state: Mapping[str, Any]) -> str:
    """What is prepared for the CT: nothing, part of it, or all with its measured error."""
    iterations = int(state.get("iterations") or 0)
    if state.get("bundle"):
        text = _("<b>Prepared</b> with {iterations} iterations.").format(iterations=iterations)
        measured = state.get("validation") or {}
        surface, still = measured.get("surface_mm"), measured.get("identity_surface_mm")
        if surface is not None and still is not None:
            text += " " + _(
                "On new simulated X-rays its surface is {error:.1f} mm off (median; {without:.1f} mm where it was "
                "planned)."
            ).format(error=surface, without=still)
        error, without = measured.get("mtre_mm"), measured.get("nominal_mtre_mm")
        if error is not None and without is not None:
            text += " " + _(
                "On new simulated X-rays its start is {error:.1f} mm off (median; {without:.0f} mm without it)."
            ).format(error=error, without=without)
        return text
    if iterations:
        return _("<b>Begun</b>: {iterations} iterations. Press Prepare to continue.").format(iterations=iterations)
    return _("Not prepared for this CT yet.")


def time_left(seconds: float) -> str:
    """A remaining time in the unit that suits it."""
    if seconds < 90:
        return _("about {seconds:.0f} s left").format(seconds=seconds)
    if seconds < 5400:
        return _("about {minutes:.0f} min left").format(minutes=seconds / 60)
    return _("about {hours:.1f} h left").format(hours=seconds / 3600)


def torch_installed() -> bool:
    """Whether PyTorch is there; looks for its metadata, imports nothing."""
    return next(iter(metadata.distributions(name="torch")), None) is not None
