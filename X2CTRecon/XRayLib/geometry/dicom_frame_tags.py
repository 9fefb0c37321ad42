"""Values of one frame of a DICOM image, wherever classic and enhanced objects keep them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


class FrameTags:
    """Looks up attributes of one frame: its functional groups first, then the shared ones, then the top level.

    Values that cannot be parsed count as absent: geometry tags of real files are often malformed, and each absent one
    has a stated fallback.
    """

    def __init__(self, dataset: Dataset, frame_index: int = 0) -> None:
        self.dataset = dataset
        self.frame_index = frame_index
        self._places: list[Dataset] = []
        per_frame = _value(dataset, "PerFrameFunctionalGroupsSequence") or []
        shared = _value(dataset, "SharedFunctionalGroupsSequence") or []
        groups = ([per_frame[frame_index]] if frame_index < len(per_frame) else []) + list(shared[:1])
        for group in groups:
            for macro in group:
                if macro.VR == "SQ" and macro.value:
                    self._places.append(macro.value[0])
        self._places.append(dataset)

    def value(self, keyword: str) -> Any:
        """The first non-empty value of the attribute, None when there is none."""
        for place in self._places:
            found = _value(place, keyword)
            if found is not None and found != "" and not (isinstance(found, Sequence) and len(found) == 0):
                return found
        return None

    def text(self, keyword: str) -> str:
        """The value as upper-case text, empty when absent."""
        found = self.value(keyword)
        return "" if found is None else str(found).strip().upper()

    def number(self, keyword: str) -> float | None:
        """The value as a finite number, None when absent or not one."""
        numbers = self.numbers(keyword)
        return numbers[0] if numbers and len(numbers) == 1 else None

    def numbers(self, keyword: str) -> tuple[float, ...] | None:
        """The values as finite numbers, None when absent or not all numbers."""
        found = self.value(keyword)
        if found is None:
            return None
        items = [found] if isinstance(found, str) or not isinstance(found, Sequence) else found
        try:
            numbers = tuple(float(item) for item in items)
        except (TypeError, ValueError, OverflowError):
            return None
        return numbers if all(math.isfinite(number) for number in numbers) else None


def _value(dataset: Dataset, keyword: str) -> Any:
    try:
        return dataset.get(keyword)
    except Exception:  # converting a malformed raw value may raise nearly anything
        return None
