"""Memory that loading a model leaves behind."""

from __future__ import annotations

import ctypes
import sys


def return_freed_memory() -> None:
    """Give freed heap back to the system (glibc only; elsewhere nothing happens).

    Loading leaves the parsed file and unfolded weights as freed but resident memory: as much as the model itself.
    """
    if sys.platform.startswith("linux"):
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
