"""Both cameras' films of a wrist with the outlines of the registered bones, and a checkerboard with the projection."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from wrist_data import Bone, Matrix, film_of
from XRayLib.ct import Volume
from XRayLib.projector import Projector
from XRayLib.radiograph import Radiograph

WINDOW = {0: (560, 1060, 1130, 1740), 1: (380, 1060, 980, 1740)}
"""First column, first row, last column, last row of the part of each camera's film that is shown."""
COLOURS_BGR = {"radius": (0, 220, 255), "ulna": (255, 170, 0)}
SQUARE_PX = 70

Registered = Mapping[str, tuple[Bone, Matrix]]


def save_overlays(folder: Path, frame: str, bones: Registered) -> None:
    """``wrist_<frame>.png``: per camera the film, the film with outlines, the checkerboard."""
    import cv2

    lines = [_line(_part(film_of(camera, frame), camera), bones) for camera in range(2)]
    width = max(line.shape[1] for line in lines)
    padded = [np.pad(line, ((0, 6), (0, width - line.shape[1]), (0, 0))) for line in lines]
    cv2.imwrite(str(folder / f"wrist_{frame}.png"), np.vstack(padded))


def _part(film: Radiograph, camera: int) -> Radiograph:
    left, top, right, bottom = WINDOW[camera]
    geometry = film.geometry.cropped(left, top, (right - left, bottom - top))
    return Radiograph(film.line_integral[top:bottom, left:right], geometry, mask=film.mask[top:bottom, left:right])


def _line(film: Radiograph, bones: Registered) -> NDArray[np.uint8]:
    import cv2

    low, high = np.percentile(film.line_integral[film.mask], (2, 99.5))
    plain = (255 * np.clip((film.line_integral - low) / (high - low), 0, 1)).astype(np.uint8)
    outlined = cv2.cvtColor(plain, cv2.COLOR_GRAY2BGR)
    total = np.zeros_like(film.line_integral)
    for name, (bone, pose) in bones.items():
        view = [film.geometry.moved(pose)]
        total += Projector(bone.mu, device="cpu").project(view)[0]
        solid = Volume(bone.solid.astype(np.float32), bone.mu.ijk_to_ras, "mu_per_mm")
        shadow = (Projector(solid, device="cpu").project(view)[0] > 1.0).astype(np.uint8)
        contours, _ = cv2.findContours(shadow, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(outlined, contours, -1, COLOURS_BGR[name], 1)
    rows, columns = np.indices(plain.shape)
    squares = (rows // SQUARE_PX + columns // SQUARE_PX) % 2 == 1
    checked = np.where(squares, _local(film.line_integral), _local(total))
    parts = [cv2.cvtColor(plain, cv2.COLOR_GRAY2BGR), outlined, cv2.cvtColor(checked, cv2.COLOR_GRAY2BGR)]
    return np.hstack(parts)


def _local(image: NDArray[np.float32], window: int = 61) -> NDArray[np.uint8]:
    """Local contrast, as the matcher compares it."""
    import cv2

    mean = cv2.blur(image, (window, window))
    contrast = np.sqrt(np.maximum(cv2.blur(image * image, (window, window)) - mean**2, 0) + (0.1 * image.std()) ** 2)
    return (255 * np.clip(((image - mean) / contrast + 2) / 4, 0, 1)).astype(np.uint8)
