"""Text and side markers neither count as bone nor hide anatomy."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from XRayLib.radiograph import to_line_integral
from XRayLib.radiograph.burned_in_marks import find_burned_in_marks


def with_text(image: NDArray[np.uint8], text: str, corner: tuple[int, int], level: int) -> NDArray[np.uint8]:
    import cv2

    return cv2.putText(image.copy(), text, corner, cv2.FONT_HERSHEY_SIMPLEX, 1.1, level, 3)


@pytest.fixture
def film(chest: NDArray[np.float32]) -> NDArray[np.uint8]:
    import cv2

    return cv2.resize(np.rint(40 * chest).astype(np.uint8), (1024, 960), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize("level", [255, 0], ids=["white", "black"])
def test_letters_are_found_and_nothing_else(film: NDArray[np.uint8], level: int) -> None:
    lettered = with_text(film, "L", (650, 120) if level else (500, 900), level)
    marks = find_burned_in_marks(lettered)
    assert marks is not None
    changed = lettered.astype(int) - film != 0
    assert marks[changed].mean() > 0.98
    assert marks.sum() < 6 * changed.sum()


def test_anatomy_alone_has_no_marks(film: NDArray[np.uint8]) -> None:
    assert find_burned_in_marks(film) is None


def test_marked_pixels_are_masked_and_filled_from_around(film: NDArray[np.uint8]) -> None:
    plain = to_line_integral(film, "display_bone_bright").image
    result = to_line_integral(with_text(film, "R 12:30", (380, 60), 255), "display_bone_bright")
    assert result.mask is not None
    assert 0.98 < result.mask.mean() < 1.0
    assert np.abs(result.image - plain)[~result.mask].max() < 1.0
