"""A small grey picture of a film for the panel."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def thumbnail_levels(image: NDArray[np.float32], side_px: int = 96) -> NDArray[np.uint8]:
    """(rows, columns) uint8, bone bright, longest side about ``side_px``, between the 1st and 99th percentile."""
    step = max(1, int(np.ceil(max(image.shape) / side_px)))
    small = image[::step, ::step]
    low, high = np.percentile(small, [1, 99])
    return (np.clip((small - low) / max(high - low, 1e-6), 0, 1) * 255).astype(np.uint8)


def thumbnail_pixmap(image: NDArray[np.float32], side_px: int) -> Any:
    """qt.QPixmap of the film, its longest side at most ``side_px``.

    It goes through a file because PythonQt cannot take bytes with zeros in every version.
    """
    import qt
    import vtk
    from vtk.util.numpy_support import numpy_to_vtk

    levels = thumbnail_levels(image, side_px)
    picture = vtk.vtkImageData()
    picture.SetDimensions(levels.shape[1], levels.shape[0], 1)
    picture.GetPointData().SetScalars(numpy_to_vtk(levels[::-1].ravel(), deep=True))
    with tempfile.TemporaryDirectory(prefix="xray3d-") as folder:
        path = str(Path(folder) / "thumbnail.png")
        writer = vtk.vtkPNGWriter()
        writer.SetFileName(path)
        writer.SetInputData(picture)
        writer.Write()
        return qt.QPixmap(path)
