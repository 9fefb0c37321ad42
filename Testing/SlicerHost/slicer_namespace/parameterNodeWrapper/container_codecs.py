"""Lists, tuples, dictionaries, unions and Any."""

from __future__ import annotations

import importlib
from typing import Any, Union, get_args, get_origin

import slicer

from .codec import Codec, Node, codec_for, codec_maker
from .observed import ObservedDict, ObservedList
from .scalar_codecs import NoneCodec


class ListCodec(Codec):
    """``name.len``, ``name.0``, ``name.1``, ..."""

    def __init__(self, element: Codec) -> None:
        super().__init__()
        self._element = element
        self.cacheable = element.cacheable

    def stores(self, value_type: type) -> bool:
        return value_type in (list, ObservedList)

    def default(self) -> list[Any]:
        return []

    def is_in(self, node: Node, name: str) -> bool:
        return bool(node.HasParameter(f"{name}.len"))

    def _length(self, node: Node, name: str) -> int:
        return int(node.GetParameter(f"{name}.len")) if self.is_in(node, name) else 0

    def write(self, node: Node, name: str, value: Any) -> None:
        values = list(value)
        for item in values:
            self._element.check(item)
        with slicer.util.NodeModify(node):
            before = self._length(node, name)
            for index, item in enumerate(values):
                self._element.write(node, f"{name}.{index}", item)
            node.SetParameter(f"{name}.len", str(len(values)))
            for index in range(len(values), before):
                self._element.remove(node, f"{name}.{index}")

    def read(self, node: Node, name: str) -> ObservedList:
        items = [self._element.read(node, f"{name}.{index}") for index in range(self._length(node, name))]
        return ObservedList(items, self, node, name)

    def remove(self, node: Node, name: str) -> None:
        with slicer.util.NodeModify(node):
            for index in range(self._length(node, name)):
                self._element.remove(node, f"{name}.{index}")
            node.UnsetParameter(f"{name}.len")


class TupleCodec(Codec):
    """``name.0``, ``name.1``, ... each with its own type."""

    def __init__(self, elements: list[Codec]) -> None:
        super().__init__()
        self._elements = elements
        self.cacheable = all(element.cacheable for element in elements)

    def stores(self, value_type: type) -> bool:
        # As in Slicer: a tuple in a union is not recognised.
        return False

    def default(self) -> tuple[Any, ...]:
        return tuple(element.default() for element in self._elements)

    def is_in(self, node: Node, name: str) -> bool:
        return self._elements[0].is_in(node, f"{name}.0")

    def check(self, value: Any) -> None:
        super().check(value)
        if len(tuple(value)) != len(self._elements):
            raise ValueError("Unexpected number of tuple values")
        for element, item in zip(self._elements, value, strict=True):
            element.check(item)

    def write(self, node: Node, name: str, value: Any) -> None:
        self.check(value)
        with slicer.util.NodeModify(node):
            for index, (element, item) in enumerate(zip(self._elements, value, strict=True)):
                element.write(node, f"{name}.{index}", item)

    def read(self, node: Node, name: str) -> tuple[Any, ...]:
        return tuple(element.read(node, f"{name}.{index}") for index, element in enumerate(self._elements))

    def remove(self, node: Node, name: str) -> None:
        with slicer.util.NodeModify(node):
            for index, element in enumerate(self._elements):
                element.remove(node, f"{name}.{index}")


class DictCodec(Codec):
    """A list of (key, value) tuples, which keeps the order."""

    def __init__(self, key: Codec, value: Codec) -> None:
        super().__init__()
        self._items = ListCodec(TupleCodec([key, value]))
        self.cacheable = self._items.cacheable

    def stores(self, value_type: type) -> bool:
        return value_type in (dict, ObservedDict)

    def default(self) -> dict[Any, Any]:
        return {}

    def is_in(self, node: Node, name: str) -> bool:
        return self._items.is_in(node, name)

    def write(self, node: Node, name: str, value: Any) -> None:
        self._items.write(node, name, value.items())

    def read(self, node: Node, name: str) -> ObservedDict:
        return ObservedDict(dict(self._items.read(node, name)), self, node, name)

    def remove(self, node: Node, name: str) -> None:
        self._items.remove(node, name)


class UnionCodec(Codec):
    """``name.<index of the type>``."""

    def __init__(self, types_: tuple[Any, ...]) -> None:
        super().__init__()
        self._types = types_
        self._codecs = [codec_for(type_) for type_ in types_]
        self.cacheable = all(codec.cacheable for codec in self._codecs)

    def stores(self, value_type: type) -> bool:
        return any(codec.stores(value_type) for codec in self._codecs)

    def default(self) -> Any:
        is_optional = len(self._codecs) == 2 and isinstance(self._codecs[1], NoneCodec)
        return None if is_optional else self._codecs[0].default()

    def is_in(self, node: Node, name: str) -> bool:
        return any(codec.is_in(node, f"{name}.{index}") for index, codec in enumerate(self._codecs))

    def check(self, value: Any) -> None:
        super().check(value)
        self._index_of(value)

    def _index_of(self, value: Any) -> int:
        error: Exception | None = None
        for index, codec in enumerate(self._codecs):
            if not codec.stores(type(value)):
                continue
            try:
                codec.check(value)
            except (ValueError, TypeError) as failure:
                error = failure
            else:
                return index
        raise error or TypeError(f"Unable to write value '{value}' of type '{type(value)}'")

    def write(self, node: Node, name: str, value: Any) -> None:
        index = self._index_of(value)
        with slicer.util.NodeModify(node):
            self.remove(node, name)
            self._codecs[index].write(node, f"{name}.{index}", value)

    def read(self, node: Node, name: str) -> Any:
        for index, codec in enumerate(self._codecs):
            if codec.is_in(node, f"{name}.{index}"):
                return codec.read(node, f"{name}.{index}")
        raise KeyError(f"Unable to find value for name: {name}")

    def remove(self, node: Node, name: str) -> None:
        with slicer.util.NodeModify(node):
            for index, codec in enumerate(self._codecs):
                codec.remove(node, f"{name}.{index}")


class AnyCodec(Codec):
    """``name.type.0`` module, ``name.type.1`` class, ``name.value``."""

    cacheable = False

    def stores(self, value_type: type) -> bool:
        return False

    def default(self) -> None:
        return None

    def is_in(self, node: Node, name: str) -> bool:
        return bool(node.HasParameter(f"{name}.type.0"))

    def _codec(self, node: Node, name: str) -> Codec:
        module, class_name = node.GetParameter(f"{name}.type.0"), node.GetParameter(f"{name}.type.1")
        if class_name == "NoneType":
            return NoneCodec()
        return codec_for(getattr(importlib.import_module(module), class_name))

    def write(self, node: Node, name: str, value: Any) -> None:
        self.remove(node, name)
        codec_for(type(value)).checked_write(node, f"{name}.value", value)
        node.SetParameter(f"{name}.type.0", type(value).__module__)
        node.SetParameter(f"{name}.type.1", type(value).__name__)

    def read(self, node: Node, name: str) -> Any:
        return self._codec(node, name).read(node, f"{name}.value")

    def remove(self, node: Node, name: str) -> None:
        if self.is_in(node, name):
            self._codec(node, name).remove(node, f"{name}.value")
            node.UnsetParameter(f"{name}.type.0")
            node.UnsetParameter(f"{name}.type.1")


@codec_maker
def container_codec(type_: Any) -> Codec | None:
    """The codec of a container type."""
    origin, arguments = get_origin(type_), get_args(type_)
    if origin is list or type_ is list:
        return ListCodec(codec_for(*(arguments or (Any,))))
    if origin is tuple and arguments:
        return TupleCodec([codec_for(argument) for argument in arguments])
    if origin is dict or type_ is dict:
        key, value = arguments or (Any, Any)
        return DictCodec(codec_for(key), codec_for(value))
    if origin is Union:
        return UnionCodec(arguments)
    if type_ is Any:
        return AnyCodec()
    return None
