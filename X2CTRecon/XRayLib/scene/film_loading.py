"""From a file or an image node to a radiograph node, through the worker's loader."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from XRayLib.errors import InputError
from XRayLib.file_name import bare_name
from XRayLib.radiograph import Radiograph
from XRayLib.scene.radiograph_nodes import put_radiograph

TEMPORARY_PREFIX = "xray3d-film-"
_DICOM_UID = re.compile(r"\d+(\.\d+){4,}")


def film_name(path: str, radiograph: Radiograph) -> str:
    """What the film of a file is called: as the file, or by its view where that is a DICOM UID; new in the scene."""
    import slicer

    name = bare_name(path)
    if _DICOM_UID.fullmatch(name):
        name = f"X-ray {radiograph.view}".strip()
    return slicer.mrmlScene.GenerateUniqueName(name)


def add_film_blocking(path: str, geometry: str = "") -> Any:
    """Load an X-ray in the worker, wait, and put it on its detector plane; returns the node.

    ``geometry`` is a file or one of the words pa, ap, ll, rl; empty: from the image itself.
    """
    from XRayLib.scene.worker_session import blocking_client, finished

    loaded = finished(blocking_client().load_radiograph(path, geometry or None))
    return put_radiograph(loaded.radiograph, film_name(path, loaded.radiograph))


def file_of_node(node: Any) -> tuple[str, int]:
    """A file with the image of a volume node, and the frame in it: the DICOM file it came from, else a temporary one.

    The node may show the current frame of a fluoroscopy sequence.

    Raises InputError for an empty node and for a stack of slices, which is not a projection.
    """
    image = node.GetImageData()
    if image is None:
        raise InputError(f"'{node.GetName()}' holds no image: choose a loaded X-ray.")
    columns, rows, slices = image.GetDimensions()
    if slices != 1:
        raise InputError(f"'{node.GetName()}' has {slices} slices: choose a single X-ray image, not a CT or MR volume.")
    path = _dicom_file(node)
    return (path, _frame_shown(node)) if path else (_temporary_file(node, columns, rows), 0)


def _frame_shown(node: Any) -> int:
    """Which frame a sequence browser shows in this node; 0 when none does."""
    import slicer

    browser = slicer.modules.sequences.logic().GetFirstBrowserNodeForProxyNode(node)
    return 0 if browser is None else max(0, browser.GetSelectedItemNumber())


def _dicom_file(node: Any) -> str:
    import slicer

    uids = (node.GetAttribute("DICOM.instanceUIDs") or "").split()
    database = getattr(slicer, "dicomDatabase", None)
    if len(uids) != 1 or database is None:
        return ""
    path = database.fileForInstance(uids[0])
    return path if path and Path(path).is_file() else ""


def _temporary_file(node: Any, columns: int, rows: int) -> str:
    """An MHA file in a private temporary folder; the worker's loader reads it once."""
    import SimpleITK as sitk
    import slicer

    pixels = np.array(slicer.util.arrayFromVolume(node)).reshape(rows, columns, -1)
    is_color = pixels.shape[2] > 1
    image = sitk.GetImageFromArray(pixels if is_color else pixels[..., 0], isVector=is_color)
    spacing = node.GetSpacing()
    image.SetSpacing((spacing[0], spacing[1]))
    path = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX)) / "image.mha"
    sitk.WriteImage(image, str(path))
    return str(path)


def discard_temporary_file(path: str) -> None:
    """Remove what ``file_of_node`` wrote, and nothing else: images of patients do not stay behind."""
    folder = Path(path).parent
    if folder.name.startswith(TEMPORARY_PREFIX):
        shutil.rmtree(folder, ignore_errors=True)
