"""A lower and an upper bound, for range widgets."""

from __future__ import annotations

from . import container_codecs, scalar_codecs  # noqa: F401  (register the codecs the pack needs)
from .pack import parameterPack


def _check(minimum: float, maximum: float) -> None:
    if not minimum <= maximum:
        raise ValueError(f"FloatRange must have minimum <= maximum: {minimum} <= {maximum}")


@parameterPack
class FloatRange:
    """``minimum`` <= ``maximum``."""

    _minimum: float
    _maximum: float

    def __init__(self, minimum: float = 0, maximum: float = 0) -> None:
        self.setRange(minimum, maximum)

    @property
    def minimum(self) -> float:
        return self._minimum

    @minimum.setter
    def minimum(self, value: float) -> None:
        _check(value, self.maximum)
        self._minimum = value

    @property
    def maximum(self) -> float:
        return self._maximum

    @maximum.setter
    def maximum(self, value: float) -> None:
        _check(self.minimum, value)
        self._maximum = value

    def setRange(self, minimum: float, maximum: float) -> None:
        _check(minimum, maximum)
        self._minimum = minimum
        self._maximum = maximum
