"""Numbers, texts, paths, truth values, enumerations, nodes, colours."""

from __future__ import annotations

import enum
import pathlib
from typing import Any

import qt
import slicer

from .annotations import IsInstance, IsNone, NotNone
from .codec import Codec, Node, codec_maker

PATH_TYPES = (
    pathlib.Path,
    pathlib.PosixPath,
    pathlib.WindowsPath,
    pathlib.PurePath,
    pathlib.PurePosixPath,
    pathlib.PureWindowsPath,
)


class TextCodec(Codec):
    """Types whose ``str`` can be read back by the type itself."""

    def __init__(self, type_: Any) -> None:
        super().__init__(NotNone(), IsInstance((int, float) if type_ is float else type_))
        self._type = type_

    def stores(self, value_type: type) -> bool:
        return any(self._type in group and value_type in group for group in ((int, float), (str,), PATH_TYPES))

    def default(self) -> Any:
        return 0 if self._type in (int, float) else self._type()

    def write(self, node: Node, name: str, value: Any) -> None:
        node.SetParameter(name, str(value))

    def read(self, node: Node, name: str) -> Any:
        return self._type(node.GetParameter(name))


class BoolCodec(Codec):
    def __init__(self) -> None:
        super().__init__(NotNone(), IsInstance(bool))

    def stores(self, value_type: type) -> bool:
        return value_type is bool

    def default(self) -> bool:
        return False

    def write(self, node: Node, name: str, value: Any) -> None:
        node.SetParameter(name, "True" if value else "False")

    def read(self, node: Node, name: str) -> bool:
        return node.GetParameter(name) == "True"


class EnumCodec(Codec):
    """By the member's name."""

    def __init__(self, type_: type[enum.Enum]) -> None:
        super().__init__(IsInstance(type_))
        if not len(type_):
            raise ValueError("Cannot serialize empty Enum.")
        self._type = type_

    def stores(self, value_type: type) -> bool:
        return issubclass(value_type, enum.Enum)

    def default(self) -> enum.Enum:
        return next(iter(self._type))

    def write(self, node: Node, name: str, value: Any) -> None:
        node.SetParameter(name, value.name)

    def read(self, node: Node, name: str) -> enum.Enum:
        text = node.GetParameter(name)
        if text not in self._type.__members__:
            raise ValueError(f"Found {text!r} in parameter node but it is not a name in {self._type!r}")
        return self._type[text]


class NodeCodec(Codec):
    """A node reference of the same name, and an empty parameter that tells None from "never set"."""

    def __init__(self, type_: type) -> None:
        super().__init__(IsInstance(type_))

    def stores(self, value_type: type) -> bool:
        return issubclass(value_type, slicer.vtkMRMLNode)

    def default(self) -> None:
        return None

    def write(self, node: Node, name: str, value: Any) -> None:
        node.SetParameter(name, "")
        node.SetNodeReferenceID(name, None if value is None else value.GetID())

    def read(self, node: Node, name: str) -> Any:
        return node.GetNodeReference(name)

    def remove(self, node: Node, name: str) -> None:
        node.UnsetParameter(name)
        node.RemoveNodeReferenceIDs(name)


class NoneCodec(Codec):
    """The None of an Optional."""

    def __init__(self) -> None:
        super().__init__(IsNone())

    def stores(self, value_type: type) -> bool:
        return value_type is type(None)

    def default(self) -> None:
        return None

    def write(self, node: Node, name: str, _value: Any) -> None:
        node.SetParameter(name, "True")

    def read(self, _node: Node, _name: str) -> None:
        return None


class ColorCodec(Codec):
    """#aarrggbb."""

    cacheable = False

    def __init__(self) -> None:
        super().__init__(NotNone(), IsInstance(qt.QColor))

    def stores(self, value_type: type) -> bool:
        return value_type is qt.QColor

    def default(self) -> Any:
        return qt.QColor()

    def write(self, node: Node, name: str, value: Any) -> None:
        node.SetParameter(name, value.name(qt.QColor.HexArgb))

    def read(self, node: Node, name: str) -> Any:
        return qt.QColor(node.GetParameter(name))


@codec_maker
def scalar_codec(type_: Any) -> Codec | None:
    """The codec of a scalar type."""
    if type_ in (int, float, str, *PATH_TYPES):
        return TextCodec(type_)
    if type_ is bool:
        return BoolCodec()
    if type_ is type(None):
        return NoneCodec()
    if type_ is qt.QColor:
        return ColorCodec()
    if isinstance(type_, type) and issubclass(type_, enum.Enum):
        return EnumCodec(type_)
    if isinstance(type_, type) and issubclass(type_, slicer.vtkMRMLNode):
        return NodeCodec(type_)
    return None
