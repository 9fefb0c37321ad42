"""The exact geometry inside our own DICOM files: a private block beside the standard tags, which round it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from XRayLib.errors import InputError
from XRayLib.geometry.geometry_file import GeometryFile, geometry_document, parse_geometry_document

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

PRIVATE_GROUP = 0x0099
PRIVATE_CREATOR = "XRAY3D"
GEOMETRY_ELEMENT = 0x01
"""Unlimited Text: the JSON object of a geometry file (format "xray3d.geometry/1")."""


def write_private_geometry(dataset: Dataset, file: GeometryFile) -> None:
    """Put geometry, intensity kind and scale into the dataset's private block."""
    document = geometry_document(file.geometry, file.intensity, file.scale)
    block = dataset.private_block(PRIVATE_GROUP, PRIVATE_CREATOR, create=True)
    block.add_new(GEOMETRY_ELEMENT, "UT", json.dumps(document))


def read_private_geometry(dataset: Dataset) -> GeometryFile | None:
    """The private block's content; None when there is none, it is damaged, or it describes another image size.

    A differing size means that another program cropped or resized the pixels and kept the block.
    """
    try:
        block = dataset.private_block(PRIVATE_GROUP, PRIVATE_CREATOR)
        value = block[GEOMETRY_ELEMENT].value
        file = parse_geometry_document(json.loads(value if isinstance(value, str) else bytes(value).decode()))
        size_px = (int(dataset.Columns), int(dataset.Rows))
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError, InputError):
        return None
    return file if file.geometry.size_px == size_px else None
