"""Choice of method and model, and the card that says what they are."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _
from XRayLib.registry import methods
from XRayLib.scene.panel.method_text import in_short, method_tip_html

RETURNS = ("volume", "mesh")
"""What a method of this panel may return, in the order of the list."""


class MethodChoice:
    """Fills the lists of methods, models and settings of the panel; ``on_changed()`` when the user chooses."""

    def __init__(self, ui: Any, client: Any, on_changed: Callable[[], None]) -> None:
        self.ui = ui
        self.client = client
        self._on_changed = on_changed
        self._models: list[Mapping[str, Any]] = []
        self.shownMethods = sorted((m for m in methods().values() if m.returns in RETURNS), key=_rank)
        for found in self.shownMethods:
            ui.methodComboBox.addItem(found.title, found.id)
        ui.methodComboBox.connect("currentIndexChanged(int)", self._method_changed)
        ui.modelComboBox.connect("currentIndexChanged(int)", self._model_changed)
        ui.presetComboBox.connect("currentIndexChanged(int)", lambda _index: self._on_changed())
        ui.importModelButton.connect("clicked(bool)", self.importModel)
        ui.verifyModelButton.connect("clicked(bool)", self.verifyModel)
        self._fill_presets()
        self._fill_models()

    @property
    def method(self) -> Any:
        """The chosen method."""
        return self.shownMethods[max(self.ui.methodComboBox.currentIndex, 0)]

    @property
    def model(self) -> str:
        """Id of the chosen model, empty for automatic."""
        return self.ui.modelComboBox.itemData(self.ui.modelComboBox.currentIndex) or ""

    @property
    def preset(self) -> str:
        """The method's settings by their name, empty for a method that has none to choose from."""
        return self.ui.presetComboBox.currentText if self.method.presets else ""

    def select(self, method_id: str, model: str, preset: str) -> None:
        """Show a choice that comes from the parameter node."""
        identifiers = [m.id for m in self.shownMethods]
        if method_id in identifiers and self.method.id != method_id:
            self.ui.methodComboBox.setCurrentIndex(identifiers.index(method_id))
        if preset in self.method.presets:
            self.ui.presetComboBox.setCurrentIndex(self.method.presets.index(preset))
        if not self._models:
            self.loadModels(lambda: self._select_model(model))
        else:
            self._select_model(model)

    def loadModels(self, then: Callable[[], None] = lambda: None) -> None:
        """Ask the worker for the installed bundles."""

        def show(models: list[Mapping[str, Any]]) -> None:
            self._models = models
            self._fill_models()
            then()

        self.client.request("list_models", on_result=show, on_error=lambda failure: self._card(failure.message))

    def importModel(self, _checked: bool = False) -> None:
        """Add a bundle the user chooses."""
        import qt

        path = qt.QFileDialog.getOpenFileName(
            slicer.util.mainWindow(), _("Import model"), "", _("Model bundle (*.zip model.json)")
        )
        if path:
            params, chosen = {"path": str(Path(path).resolve())}, self.model
            self.client.request(
                "import_model",
                params,
                on_result=lambda _model: self.loadModels(lambda: self._select_model(chosen)),
                on_error=self._failed,
            )

    def verifyModel(self, _checked: bool = False) -> None:
        """Run the chosen model's built-in test on this computer."""
        fitting = self._fitting_models()
        chosen = self.model or (fitting[0]["id"] if fitting else "")
        if chosen:
            self._card(_("Verifying {model} ...").format(model=chosen))
            params = {"model": chosen}
            self.client.request("verify_model", params, on_result=self._verified, on_error=self._failed)

    def _verified(self, report: Mapping[str, Any]) -> None:
        lines = [
            _("{device}: as expected.").format(device=check["device"])
            if check["passed"]
            else f"{check['device']}: {check['reason']}"
            for check in report["checks"]
        ]
        self._card(" ".join(lines))

    def _failed(self, failure: Any) -> None:
        slicer.util.errorDisplay(failure.message)
        self._show_card()

    def _fitting_models(self) -> list[Mapping[str, Any]]:
        return [model for model in self._models if self._fits(model)]

    def _fits(self, model: Mapping[str, Any]) -> bool:
        return model["task"] == self.method.needs.bundle_task and self.method.id in (
            model["methods"] or [self.method.id]
        )

    def _fill_models(self) -> None:
        combo = self.ui.modelComboBox
        was_blocked = combo.blockSignals(True)
        combo.clear()
        combo.addItem(_("Automatic"), "")
        for model in self._fitting_models():
            combo.addItem(f"{model['title']} {model['version']}", model["id"])
        combo.blockSignals(was_blocked)
        self._show_models()
        self._show_card()

    def _show_models(self) -> None:
        ui, has_models = self.ui, bool(self.method.needs.bundle_task)
        for widget in (ui.modelLabel, ui.modelComboBox, ui.importModelButton, ui.verifyModelButton):
            widget.setVisible(has_models)

    def _fill_presets(self) -> None:
        combo, presets = self.ui.presetComboBox, self.method.presets
        was_blocked = combo.blockSignals(True)
        combo.clear()
        for preset in presets:
            combo.addItem(preset)
        combo.blockSignals(was_blocked)
        for widget in (self.ui.presetLabel, combo):
            widget.setVisible(bool(presets))

    def _select_model(self, model: str) -> None:
        """What is shown is what runs: of a model that is not installed here, automatic."""
        identifiers = [self.ui.modelComboBox.itemData(index) for index in range(self.ui.modelComboBox.count)]
        self.ui.modelComboBox.setCurrentIndex(identifiers.index(model) if model in identifiers else 0)
        if self.model != model:
            self._on_changed()

    def _method_changed(self, _index: int) -> None:
        self._fill_presets()
        self._fill_models()
        self._on_changed()

    def _model_changed(self, _index: int) -> None:
        self._show_card()
        self._on_changed()

    def _show_card(self) -> None:
        chosen = [m for m in self._models if m["id"] == self.model]
        self.ui.methodComboBox.toolTip = method_tip_html(self.method)
        self._card(method_card_html(self.method, chosen[0] if chosen else None), rich=True)

    def _card(self, text: str, rich: bool = False) -> None:
        self.ui.methodCardLabel.text = text if rich else html.escape(text)


def _rank(method: Any) -> tuple[int, str]:
    return RETURNS.index(method.returns), method.id


def method_card_html(chosen: Any, model: Mapping[str, Any] | None) -> str:
    """The method in a sentence and, for a chosen model, what its manifest says about it."""
    lines = [html.escape(in_short(chosen.summary))]
    if model is not None:
        card = model["card"]
        lines += [
            f"<b>{html.escape(name)}:</b> {html.escape(str(card[key]))}"
            for name, key in (
                (_("Intended use"), "intended_use"),
                (_("Limits"), "limitations"),
                (_("Licence of the weights"), "license"),
                (_("Size in MB"), "size_mb"),
            )
            if card.get(key)
        ]
    return "<br>".join(lines)
