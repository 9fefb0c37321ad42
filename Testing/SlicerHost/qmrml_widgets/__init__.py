"""Slicer's MRML widgets, set as attributes of the ``slicer`` package."""

from __future__ import annotations

import importlib
from typing import Any

WIDGET_FILES = ("node_combo_box", "scene_widgets", "subject_hierarchy", "transform_widgets")


def add_qmrml_widgets(slicer: Any) -> None:
    """Make ``slicer.qMRMLNodeComboBox`` and the others available; needs the adapted ``qt`` and ``ctk`` first."""
    for file in WIDGET_FILES:
        part = importlib.import_module(f"{__name__}.{file}")
        for name, value in vars(part).items():
            if name.startswith(("qMRML", "qSlicer")):
                setattr(slicer, name, value)
