"""A render window without a screen, and what it shows as an array."""

from __future__ import annotations

import ctypes.util
import os
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from XRayLib.errors import MissingDependencyError
from XRayLib.scene.vtk_messages import without_vtk_warnings

Image = NDArray[np.uint8]
"""(rows, columns, 3) red, green, blue; row 0 on top."""


def create_offscreen_window(size_px: tuple[int, int], samples: int = 4) -> Any:
    """A vtkRenderWindow that draws into memory: EGL or OSMesa on Linux, the platform's own window elsewhere.

    Parameters
    ----------
    size_px : columns, rows.
    samples : multisamples per pixel; 0 for none.
    """
    import vtk

    # Without a display VTK tries X first and warns before it falls back to EGL.
    with without_vtk_warnings():
        window = vtk.vtkRenderWindow()
    window.ShowWindowOff()
    window.SetOffScreenRendering(1)
    window.SetMultiSamples(samples)
    window.SetSize(*size_px)
    return window


def require_opengl() -> None:
    """Raise MissingDependencyError where drawing could only crash: Linux without display, EGL and OSMesa."""
    if not sys.platform.startswith("linux") or os.environ.get("DISPLAY"):
        return
    if not any(ctypes.util.find_library(name) for name in ("EGL", "OSMesa")):
        raise MissingDependencyError(
            "Pictures need OpenGL without a screen: install EGL (Debian and Ubuntu: apt-get install libegl1 libgl1)."
        )


def window_image(window: Any) -> Image:
    """The pixels of the last render of a vtkRenderWindow."""
    import vtk
    from vtk.util.numpy_support import vtk_to_numpy

    columns, rows = window.GetSize()
    pixels = vtk.vtkUnsignedCharArray()
    window.GetPixelData(0, 0, columns - 1, rows - 1, 0, pixels, 0)
    return np.ascontiguousarray(vtk_to_numpy(pixels).reshape(rows, columns, 3)[::-1])


def save_image(image: Image, path: Any) -> None:
    """Write a picture as PNG."""
    from PIL import Image as PillowImage

    PillowImage.fromarray(image).save(path, format="PNG")
