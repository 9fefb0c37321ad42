"""One film in the panel: thumbnail, geometry, assumptions, the view when it was assumed, a remove button."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
from slicer.i18n import tr as _

from XRayLib.geometry import assumed_film_geometry
from XRayLib.radiograph import Radiograph
from XRayLib.scene.film_run import set_run_geometry
from XRayLib.scene.panel.film_text import VIEW_NAMES, assumption_line, assumption_tip, geometry_line, geometry_tip
from XRayLib.scene.panel.status_colors import status_color
from XRayLib.scene.panel.thumbnail import thumbnail_pixmap
from XRayLib.scene.radiograph_nodes import film_version, misplacement, radiograph_from_node

TEXT_WIDTH_PX = 250
"""Texts get the height they need at this width: collapsible sections do not ask wrapping labels for theirs."""
TITLE_WIDTH_PX = 220
"""A longer name is cut in its middle: parts of one have no spaces to wrap at."""
THUMBNAIL_PX = 64
MARGIN_PX = 4
"""Rows are low: with two films the button that starts is still to be seen on a small screen."""


class FilmRow:
    """The row of one radiograph node. ``widget`` is the Qt frame to put into a layout."""

    def __init__(
        self,
        node: Any,
        on_remove: Callable[[Any], None],
        on_changed: Callable[[Any], None],
        on_viewed: Callable[[Any, bool], None],
    ) -> None:
        self.node = node
        self._version: tuple | None = None
        self._on_changed = on_changed
        self.widget = qt.QFrame()
        self.widget.setFrameShape(qt.QFrame.StyledPanel)
        outer = qt.QHBoxLayout(self.widget)
        outer.setContentsMargins(MARGIN_PX, MARGIN_PX, MARGIN_PX, MARGIN_PX)
        self.thumbnail = qt.QLabel()
        self.thumbnail.setFixedSize(THUMBNAIL_PX, THUMBNAIL_PX)
        self.thumbnail.setAlignment(qt.Qt.AlignCenter)
        outer.addWidget(self.thumbnail)
        texts = qt.QVBoxLayout()
        texts.setSpacing(MARGIN_PX // 2)
        outer.addLayout(texts)
        outer.setStretch(1, 1)
        heading = qt.QHBoxLayout()
        texts.addLayout(heading)
        self.title = self._label(heading)
        self.title.setStyleSheet("font-weight: bold")
        self.removeButton = qt.QPushButton(_("Remove"))
        self.removeButton.toolTip = _("Take this X-ray out of the case and out of the scene.")
        self.removeButton.connect("clicked(bool)", lambda _checked=False: on_remove(self.node))
        heading.addWidget(self.removeButton)
        heading.setStretch(0, 1)
        self.geometry = self._label(texts)
        self.assumptions = self._label(texts)
        self.assumptions.setStyleSheet(f"color: {status_color('doubtful')}")
        self._add_assumed_controls(texts)
        self.viewCheckBox = qt.QCheckBox(_("In a view"))
        self.viewCheckBox.toolTip = _("Show this X-ray, when all views are taken in the last one's place.")
        self.viewCheckBox.connect("clicked(bool)", lambda is_ticked: on_viewed(self.node, is_ticked))
        self.viewCheckBox.setVisible(False)
        texts.addWidget(self.viewCheckBox)
        self.update()

    def _label(self, layout: Any) -> Any:
        label = qt.QLabel()
        label.setWordWrap(True)
        label.setMinimumWidth(80)  # long texts wrap instead of widening the panel
        label.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Preferred)
        layout.addWidget(label)
        return label

    def _add_assumed_controls(self, layout: Any) -> None:
        self.assumedControls = qt.QWidget()
        line = qt.QHBoxLayout(self.assumedControls)
        line.setContentsMargins(0, 0, 0, 0)
        self.viewComboBox = qt.QComboBox()
        self.viewComboBox.toolTip = _("The film carries no projection angles: say which view it is.")
        for code, name in VIEW_NAMES.items():
            self.viewComboBox.addItem(name, code)
        self.distanceSpinBox = qt.QSpinBox()
        self.distanceSpinBox.setRange(500, 4000)
        self.distanceSpinBox.setSuffix(" mm")
        self.distanceSpinBox.toolTip = _("Distance from the X-ray source to the film. Chest stands: 1500 to 2000 mm.")
        line.addWidget(self.viewComboBox)
        line.addWidget(self.distanceSpinBox)
        layout.addWidget(self.assumedControls)
        self.viewComboBox.connect("currentIndexChanged(int)", self._apply_assumed)
        self.distanceSpinBox.connect("valueChanged(int)", self._apply_assumed)

    def show_viewed(self, in_view: bool, can_choose: bool) -> None:
        """Whether the film has a view, and whether the user has to choose."""
        self.viewCheckBox.setVisible(can_choose)
        self.viewCheckBox.checked = in_view

    def update(self) -> None:
        """Show what the node holds now; of an X-ray that stands where it cannot be used, why not."""
        name = self.node.GetName()
        version = (name, film_version(self.node))
        if version == self._version:
            return
        self._version = version
        self.title.text = self.title.fontMetrics().elidedText(name, qt.Qt.ElideMiddle, TITLE_WIDTH_PX)
        self.title.toolTip = name
        fault = misplacement(self.node)
        if fault:
            self._show_texts(("", ""), (fault, fault))
            self.assumedControls.setVisible(False)
        else:
            self._show(radiograph_from_node(self.node))

    def _show(self, radiograph: Radiograph) -> None:
        self.thumbnail.setPixmap(thumbnail_pixmap(radiograph.line_integral, THUMBNAIL_PX))
        geometry = radiograph.geometry
        self._show_texts(
            (geometry_line(geometry), geometry_tip(geometry)), (assumption_line(radiograph), assumption_tip(radiograph))
        )
        standard = radiograph.view in VIEW_NAMES and bool(radiograph.geometry.assumed)
        self.assumedControls.setVisible(standard)
        if standard:
            blocked = [(widget, widget.blockSignals(True)) for widget in (self.viewComboBox, self.distanceSpinBox)]
            self.viewComboBox.setCurrentIndex(list(VIEW_NAMES).index(radiograph.view))
            self.distanceSpinBox.setValue(round(radiograph.geometry.source_to_detector_mm))
            for widget, was_blocked in blocked:
                widget.blockSignals(was_blocked)

    def _show_texts(self, geometry: tuple[str, str], warning: tuple[str, str]) -> None:
        """Text and tip of either label; one without a text takes no room."""
        for label, (text, tip) in ((self.geometry, geometry), (self.assumptions, warning)):
            label.text, label.toolTip = text, tip
            label.setVisible(bool(text))
            label.setMinimumHeight(max(0, label.heightForWidth(TEXT_WIDTH_PX)))

    def _apply_assumed(self, _value: int = 0) -> None:
        radiograph = radiograph_from_node(self.node)
        view = list(VIEW_NAMES)[self.viewComboBox.currentIndex]
        geometry = assumed_film_geometry(
            view,
            radiograph.geometry.size_px,
            radiograph.geometry.pixel_spacing_mm,
            float(self.distanceSpinBox.value),
        )
        set_run_geometry(self.node, geometry, view)
        self.update()
        self._on_changed(self.node)
