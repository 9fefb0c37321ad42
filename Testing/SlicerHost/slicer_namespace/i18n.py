"""``slicer.i18n``: texts in the application's language; the host's application knows English only."""

from __future__ import annotations

import inspect
from pathlib import Path

import slicer


def translate(context: str, text: str) -> str:
    """The text in the language of the application."""
    return slicer.app.translate(context, text)


def getContext(source_file: str) -> str:
    """``Module``, or ``Package.Module`` for a file in a package."""
    path = Path(source_file)
    in_package = (path.parent / "__init__.py").is_file()
    return f"{path.parent.name}.{path.stem}" if in_package else path.stem


def tr(text: str) -> str:
    """The text in the language of the application, in the context of the calling file."""
    frame = inspect.currentframe()
    caller = frame.f_back if frame else None
    return translate(getContext(caller.f_code.co_filename if caller else ""), text)
