"""How one value is stored on a vtkMRMLScriptedModuleNode."""

from __future__ import annotations

import types
from typing import Any, Union, get_args

from .annotations import Default, Validator, split_annotations

Node = Any
"""vtkMRMLScriptedModuleNode."""

_makers: list[Any] = []


class Codec:
    """Reads and writes the parameter ``name``; ``check`` raises on values that are not allowed."""

    cacheable = True
    """False when a value that was read can change without the node noticing."""

    def __init__(self, *validators: Validator) -> None:
        self.validators = list(validators)

    def default(self) -> Any:
        raise NotImplementedError

    def check(self, value: Any) -> None:
        for validator in self.validators:
            validator.validate(value)

    def stores(self, value_type: type) -> bool:
        """Whether values of exactly this class belong here; decides among the members of a union."""
        raise NotImplementedError

    def is_in(self, node: Node, name: str) -> bool:
        return bool(node.HasParameter(name))

    def write(self, node: Node, name: str, value: Any) -> None:
        raise NotImplementedError

    def read(self, node: Node, name: str) -> Any:
        raise NotImplementedError

    def remove(self, node: Node, name: str) -> None:
        node.UnsetParameter(name)

    def checked_write(self, node: Node, name: str, value: Any) -> None:
        """Write, or raise and write nothing."""
        self.check(value)
        self.write(node, name, value)


def codec_maker(function: Any) -> Any:
    """Register a function that makes the codec of a type, or returns None when the type is not its own."""
    _makers.append(function)
    return function


def normalized_type(type_: Any) -> Any:
    """``X | Y`` as ``Union[X, Y]``."""
    return Union[tuple(get_args(type_))] if isinstance(type_, types.UnionType) else type_  # noqa: UP007


def codec_for(annotated: Any) -> Codec:
    """The codec of a type with its annotations; TypeError for a type that cannot be stored."""
    type_, annotations = split_annotations(annotated)
    type_ = normalized_type(type_)
    for maker in _makers:
        codec = maker(type_)
        if codec is not None:
            codec.validators += [a() if isinstance(a, type) else a for a in annotations if _is_validator(a)]
            return codec
    raise TypeError(f"Unable to create serializer for type: {type_}")


def default_of(annotated: Any, codec: Codec) -> Default:
    """The ``Default`` annotation, or the type's own default."""
    defaults = [a for a in split_annotations(annotated)[1] if isinstance(a, Default)]
    if len(defaults) > 1:
        raise ValueError("Multiple defaults found")
    return defaults[0] if defaults else Default(generator=codec.default)


def _is_validator(annotation: Any) -> bool:
    return isinstance(annotation, Validator) or (isinstance(annotation, type) and issubclass(annotation, Validator))
