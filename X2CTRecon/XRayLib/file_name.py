"""What a file is called, without what tells its kind."""

from __future__ import annotations

import re
from pathlib import PureWindowsPath

IMAGE_KINDS = r"(?:dcm|ima|png|jpe?g|tiff?|bmp|nii(?:\.gz)?|nrrd|nhdr|mha|mhd)"
"""File name extensions of images, as a regular expression."""

_EXTENSION = re.compile(rf"(?<=.)\.{IMAGE_KINDS}$", re.IGNORECASE)


def bare_name(path: object) -> str:
    """The name of an image file without its folder and its extension; other dots belong to the name."""
    return _EXTENSION.sub("", PureWindowsPath(str(path)).name)
