"""Apply, Cancel, progress and messages: the state of one job in the panel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import slicer
from slicer.i18n import tr as _

from XRayLib.jobs.failure import JobFailure, failure_from_exception
from XRayLib.scene.panel.allowed import allow
from XRayLib.scene.panel.tools import ToolButtons

MESSAGE_MS = 15000
"""How long the status bar shows a message."""

Callbacks = Mapping[str, Callable[..., None]]


def show_status(ui: Any, text: str) -> None:
    """A line for the user in statusLabel, and in the main window's status bar when that is scrolled away."""
    ui.statusLabel.text = text
    slicer.util.showStatusMessage(text, MESSAGE_MS)


def _unchanged() -> str:
    return _("Cancelled. The scene is unchanged.")


@contextmanager
def told_to(on_error: Callable[[JobFailure], None]) -> Iterator[None]:
    """An exception in the block goes to ``on_error``: raised to the event loop it would leave the panel waiting."""
    try:
        yield
    except Exception as error:
        on_error(failure_from_exception(error))


class JobBar:
    """Drives applyButton, cancelButton, progressBar, statusLabel and runOnCpuButton."""

    def __init__(
        self,
        ui: Any,
        client: Any,
        on_apply: Callable[[], None],
        on_run_on_cpu: Callable[[], None],
        on_running: Callable[[], None] = lambda: None,
    ) -> None:
        self.ui = ui
        self.client = client
        self._allowed = (False, "")
        self._running = False
        self._job: Any = None
        self._on_running = on_running
        self._cancelled = _unchanged
        ui.applyButton.connect("clicked(bool)", lambda _checked=False: on_apply())
        ui.runOnCpuButton.connect("clicked(bool)", lambda _checked=False: on_run_on_cpu())
        ui.cancelButton.connect("clicked(bool)", self.cancel)
        self.tools = ToolButtons(ui, client, on_status=self.say, on_installed=self._show_buttons)
        self.idle()

    @property
    def running(self) -> bool:
        """Whether a job runs; ``on_running`` tells when that changes."""
        return self._running

    def allow(self, ready: bool, reason: str) -> None:
        """Whether the case can run, and why not."""
        self._allowed = (ready, reason)
        self._show_buttons()

    def run(
        self,
        start: Callable[[Callbacks], Any],
        on_done: Callable[[Any], None],
        cancelled: Callable[[], str] = _unchanged,
    ) -> None:
        """Start a job; ``start`` gets the callbacks ``on_progress``, ``on_result`` and ``on_error``.

        It returns the Job when it is a single one. ``cancelled()`` is what the user is told after a cancel.
        """
        self._running = True
        self._cancelled = cancelled
        self.ui.runOnCpuButton.setVisible(False)
        self.ui.progressBar.setValue(0)
        self.say(_("Starting ..."))
        self._show_buttons()
        self._on_running()

        def done(result: Any) -> None:
            self.idle()
            self.say(_("Done."))
            on_done(result)

        with told_to(self._failed):
            job = start({"on_progress": self._progress, "on_result": done, "on_error": self._failed})
            self._job = job if self._running else None

    def cancel(self, _checked: bool = False) -> None:
        """Stop the job; the scene stays as it is."""
        self.say(_("Cancelling ..."))
        allow(self.ui.cancelButton, False, _("The job is being cancelled."))
        self.client.cancel(self._job)

    def idle(self) -> None:
        """No job runs."""
        was_running, self._running, self._job = self._running, False, None
        self._show_buttons()
        if was_running:
            self._on_running()

    def say(self, text: str) -> None:
        """A line under the buttons."""
        show_status(self.ui, text)

    def _progress(self, fraction: float, stage: str, remaining_s: float | None = None) -> None:
        self.ui.progressBar.setValue(round(100 * fraction))
        left = _(", about {seconds:.0f} s left").format(seconds=remaining_s) if remaining_s and remaining_s > 1 else ""
        self.say(f"{stage}{left}")

    def _failed(self, failure: Any) -> None:
        self.idle()
        if failure.code == "cancelled":
            self.say(self._cancelled())
            return
        self.ui.runOnCpuButton.setVisible(failure.offer_cpu)
        message = f"{failure.message} {failure.hint}".strip()
        self.say(message)
        slicer.util.errorDisplay(message, detailedText=failure.detail)

    def _show_buttons(self) -> None:
        ready, reason = self._allowed
        self.tools.refresh()
        if self.tools.missing:
            names = ", ".join(self.tools.missing)
            ready, reason = False, _("Install the components first: {names}.").format(names=names)
        tip = _("A job is running.") if self._running else reason
        allow(self.ui.applyButton, ready and not self._running, tip, tip)
        allow(self.ui.cancelButton, self._running, _("No job is running."))
        self.ui.progressBar.setVisible(self._running)
