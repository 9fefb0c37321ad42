"""Lists of names that may be long: a file's, a patient's, a study's."""

from __future__ import annotations

from typing import Any

import qt
import slicer


def let_lists_be_narrow(ui: Any) -> None:
    """The panel's combo boxes cut what is too long for them; by default the longest name widens the whole panel."""
    for widget in vars(ui).values():
        if isinstance(widget, (qt.QComboBox, slicer.qMRMLNodeComboBox)):
            widget.sizeAdjustPolicy = qt.QComboBox.AdjustToMinimumContentsLengthWithIcon
