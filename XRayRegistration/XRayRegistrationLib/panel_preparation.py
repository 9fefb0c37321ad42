"""Preparing the learned methods for one patient, in a worker of its own so that the panel stays usable."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import metadata
from typing import Any

import slicer
from slicer.i18n import tr as _
from XRayLib.prepared_method import PreparedMethod
from XRayLib.registry import methods

from XRayRegistrationLib.panel_method import REGISTERS


class PreparationPanel:
    """Drives the Prepare section. ``make_client`` gives a worker client when it is first needed; ``device`` its GPU."""

    def __init__(
        self, ui: Any, make_client: Callable[[], Any], ct_volume: Callable[[], Any], device: Callable[[], str]
    ) -> None:
        self.ui = ui
        self._client: Any = None
        self._make_client = make_client
        self._ct_volume = ct_volume
        self._device = device
        self._node: Any = None
        self._running = False
        self._asked_for: Any = None
        self._state: Mapping[str, Any] = {}
        for method in methods().values():
            if isinstance(method, PreparedMethod) and method.returns in REGISTERS:
                ui.prepareComboBox.addItem(method.title, method.id)
        ui.prepareComboBox.connect("currentIndexChanged(int)", lambda _index: self.refresh())
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
    def what(self) -> str:
        """Id of the method to prepare."""
        return self.ui.prepareComboBox.itemData(self.ui.prepareComboBox.currentIndex)

    def follow(self, parameter_node: Any) -> None:
        """Work on this parameter node, or on none; a running preparation goes on, as it belongs to the CT."""
        self._node = parameter_node
        self._asked_for, self._state = None, {}

    def refresh(self) -> None:
        """Show what is prepared, and whether the button can be pressed."""
        volume = None if self._node is None else self._ct_volume()
        is_open = not self.ui.prepareCollapsibleButton.collapsed
        if volume is not None and is_open and not self._running and self._asked_for is not volume:
            self._ask_state(volume)
        allowed, tip = self._allowed(volume)
        self.ui.prepareButton.enabled, self.ui.prepareButton.toolTip = allowed, tip
        self.ui.cancelPreparationButton.enabled = self._running
        self.ui.prepareComboBox.enabled = not self._running
        self.ui.preparationLabel.text = "" if volume is None else state_html(self._state.get(self.what, {}))

    def prepare(self, _checked: bool = False) -> None:
        """Start, or continue what was cancelled."""
        volume = self._ct_volume()
        if self._running or volume is None:
            return
        self._running = True
        self.ui.preparationProgressBar.setVisible(True)
        self.ui.preparationProgressBar.setValue(0)
        self._say(_("Starting ..."))
        self.refresh()
        self.client.prepare_patient(
            volume,
            self.what,
            {"minutes": float(self._node.prepareMinutes), "device": self._device()},
            on_progress=self._progress,
            on_result=self._done,
            on_error=self._failed,
        )

    def cancel(self, _checked: bool = False) -> None:
        """Stop; what was learned is kept for the next time."""
        self._say(_("Cancelling ..."))
        self.ui.cancelPreparationButton.enabled = False
        self.client.cancel()

    def close(self) -> None:
        """The application closes."""
        if self._client is not None:
            self._client.close()

    def _allowed(self, volume: Any) -> tuple[bool, str]:
        if self._running:
            return False, _("A preparation is running.")
        if not torch_installed():
            return False, _(
                "Preparing needs PyTorch: install the PyTorch extension in the Extensions Manager, then "
                "'Install PyTorch' in its module. The method Intensity needs neither."
            )
        if volume is None:
            return False, _("Choose a CT first.")
        return True, _("Train this method on simulated X-rays of this CT.")

    def _ask_state(self, volume: Any) -> None:
        self._asked_for = volume

        def show(state: Mapping[str, Any]) -> None:
            self._state = state
            self.refresh()

        self.client.preparation_state(volume, on_result=show, on_error=lambda failure: self._say(failure.message))

    def _progress(self, fraction: float, stage: str, remaining_s: float | None = None) -> None:
        self.ui.preparationProgressBar.setValue(round(100 * fraction))
        self._say(stage if not remaining_s or remaining_s < 1 else f"{stage}, {time_left(remaining_s)}")

    def _done(self, state: Mapping[str, Any]) -> None:
        self._state = state
        self._idle(_("The patient is prepared."))

    def _failed(self, failure: Any) -> None:
        self._asked_for = None  # what was learned so far is told anew
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

    def _say(self, text: str) -> None:
        self.ui.preparationStatusLabel.text = text


def state_html(state: Mapping[str, Any]) -> str:
    """What is prepared for the CT: nothing, part of it, or all with its measured error."""
    iterations = int(state.get("iterations") or 0)
    if state.get("bundle"):
        text = _("<b>Prepared</b> with {iterations} iterations.").format(iterations=iterations)
        measured = state.get("validation") or {}
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
    """Whether PyTorch is there; looks at metadata, imports nothing."""
    try:
        metadata.version("torch")
    except metadata.PackageNotFoundError:
        return False
    return True
