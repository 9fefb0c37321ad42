"""The ``ctk`` module: CTK's widgets with the properties and signals that Slicer's modules use, on plain Qt widgets."""

from __future__ import annotations

import sys
import types

WIDGET_FILES = ("boxes", "buttons", "paths", "ranges", "sliders", "texts")


def create_ctk_module() -> types.ModuleType:
    """The module ``ctk``, registered in ``sys.modules``; needs the adapted ``qt`` first."""
    if "ctk" in sys.modules:
        return sys.modules["ctk"]
    import importlib

    module = types.ModuleType("ctk", "CTK's widgets (test stand-in).")
    for file in WIDGET_FILES:
        part = importlib.import_module(f"{__name__}.{file}")
        for name, value in vars(part).items():
            if name.startswith("ctk"):
                setattr(module, name, value)
    sys.modules["ctk"] = module
    return module
