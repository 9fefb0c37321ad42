"""One picture of a case: the films, the volume in 3D and its slices, drawn by Slicer's own views."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from XRayLib.scene.layout import FILM_VIEWS

TILE_PX = (640, 520)
MARGIN_PX = 6


def render_case(session: Any, films: int) -> dict[str, NDArray[np.uint8]]:
    """Pictures by title of the film views, the first 3D view and the slice views of a headless session."""
    views = {f"X-ray {index + 1}": tag for index, tag in enumerate(FILM_VIEWS[:films])}
    views |= {"Volume rendering": "threeD", "Axial": "Red", "Sagittal": "Yellow", "Coronal": "Green"}
    return {title: session.render_view(view, TILE_PX) for title, view in views.items()}


def save_contact_sheet(pictures: Mapping[str, NDArray[np.uint8]], path: Path, columns: int = 3) -> None:
    """The pictures in rows of ``columns``, each under its title, as one PNG."""
    from PIL import Image

    tiles = [_titled(title, picture) for title, picture in pictures.items()]
    rows = [tiles[start : start + columns] for start in range(0, len(tiles), columns)]
    width = max(sum(tile.width + MARGIN_PX for tile in row) for row in rows) + MARGIN_PX
    height = sum(max(tile.height for tile in row) + MARGIN_PX for row in rows) + MARGIN_PX
    sheet = Image.new("RGB", (width, height), (24, 26, 30))
    top = MARGIN_PX
    for row in rows:
        left = MARGIN_PX
        for tile in row:
            sheet.paste(tile, (left, top))
            left += tile.width + MARGIN_PX
        top += max(tile.height for tile in row) + MARGIN_PX
    sheet.save(path, optimize=True)


def _titled(title: str, picture: NDArray[np.uint8]) -> Any:
    from PIL import Image, ImageDraw, ImageFont

    tile = Image.fromarray(np.ascontiguousarray(picture[..., :3]))
    ImageDraw.Draw(tile).text((10, 8), title, fill=(240, 240, 240), font=ImageFont.load_default(size=18))
    return tile
