"""What can stand in ``Annotated[type, ...]``: limits, choices, defaults and hints for widgets."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar, get_args

Found = TypeVar("Found")


class Validator:
    """Base of all checks; ``validate`` raises on a value that is not allowed."""

    def validate(self, value: Any) -> None:
        raise NotImplementedError


class NotNone(Validator):
    def validate(self, value: Any) -> None:
        if value is None:
            raise ValueError("Value must not be None")


class IsNone(Validator):
    def validate(self, value: Any) -> None:
        if value is not None:
            raise ValueError("Value must be None")


@dataclass(eq=False)
class IsInstance(Validator):
    classtype: Any

    def validate(self, value: Any) -> None:
        if value is not None and not isinstance(value, self.classtype):
            raise TypeError(f"Value must be of type '{self.classtype}', is type '{type(value)}' value '{value}'")


@dataclass(eq=False)
class WithinRange(Validator):
    minimum: float
    maximum: float

    def validate(self, value: Any) -> None:
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"Value must be within range [{self.minimum}, {self.maximum}], is {value}")


@dataclass(eq=False)
class Minimum(Validator):
    minimum: float

    def validate(self, value: Any) -> None:
        if value < self.minimum:
            raise ValueError(f"Value must be at least {self.minimum}, is {value}")


@dataclass(eq=False)
class Maximum(Validator):
    maximum: float

    def validate(self, value: Any) -> None:
        if value > self.maximum:
            raise ValueError(f"Value must be at most {self.maximum}, is {value}")


@dataclass(eq=False)
class Choice(Validator):
    choices: Iterable[Any]

    def validate(self, value: Any) -> None:
        if value not in self.choices:
            raise ValueError(f"Value is {value}, but must be in one of the following: {self.choices}")


@dataclass(eq=False)
class Exclude(Validator):
    excludedValues: Iterable[Any]

    def validate(self, value: Any) -> None:
        if value in self.excludedValues:
            raise ValueError(f"Value is {value}, but must not be one of: {self.excludedValues}")


@dataclass(eq=False)
class RangeBounds(Validator):
    minimum: float
    maximum: float

    def validate(self, value: Any) -> None:
        if not (self.minimum <= value.minimum and value.maximum <= self.maximum):
            raise ValueError(f"Range must be within [{self.minimum}, {self.maximum}], is {value}")


class Default:
    """The value a parameter has before anybody sets it."""

    def __init__(self, value: Any = None, *, generator: Callable[[], Any] | None = None) -> None:
        self._value = value
        self._generator = generator

    @property
    def value(self) -> Any:
        return self._generator() if self._generator else self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Default) and (self._value, self._generator) == (other._value, other._generator)

    __hash__ = None  # type: ignore[assignment]


@dataclass(eq=False)
class Decimals:
    """Decimals of the spin box or slider that is bound."""

    value: int


@dataclass(eq=False)
class SingleStep:
    """Step of the spin box or slider that is bound."""

    value: float


def split_annotations(annotated: Any) -> tuple[Any, list[Any]]:
    """The type and its annotations; none for a plain type."""
    type_, *annotations, _ = get_args(Annotated[annotated, None])
    return type_, annotations


def plain_type(annotated: Any) -> Any:
    """The type without its annotations."""
    return split_annotations(annotated)[0]


def first_of(annotations: Iterable[Any], class_: type[Found]) -> Found | None:
    """The first annotation of a class."""
    return next((annotation for annotation in annotations if isinstance(annotation, class_)), None)
