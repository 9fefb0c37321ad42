"""``IMG[:GEOM]``, how the command line names a view."""

from __future__ import annotations

from pathlib import Path

from XRayLib.errors import InputError

VIEW_WORDS = ("pa", "ap", "ll", "rl")


def parse_view_argument(argument: str) -> tuple[Path, str | None]:
    """Split ``IMG[:GEOM]`` into the image's path and the geometry, a file or one of the words pa, ap, ll, rl.

    Drive letters (``C:\\films\\pa.png``) and colons in existing file names are not separators.
    """
    text = argument.strip()
    if not text:
        raise InputError("A view must name an image: IMG or IMG:GEOM.")
    image, colon, geometry = text.rpartition(":")
    is_drive = len(image) == 1 and image.isalpha() and geometry[:1] in ("\\", "/")
    if not colon or is_drive or (Path(text).exists() and not _is_geometry(geometry)):
        return Path(text), None
    if not image:
        raise InputError(f"The view '{argument}' names no image: write IMG:GEOM.")
    if not geometry:
        raise InputError(f"The view '{argument}' ends with a colon: add a geometry file or pa, ap, ll or rl.")
    if image[-2:-1] == ":" and image[-1].isalpha() and geometry[0] in ("\\", "/"):
        # C:\film.png:C:\film.geometry.json: the last colon belongs to the second drive.
        return Path(image[:-2]), f"{image[-1]}:{geometry}"
    return Path(image), geometry


def _is_geometry(text: str) -> bool:
    return text.lower() in VIEW_WORDS or text.lower().endswith(".json")
