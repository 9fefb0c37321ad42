"""``@parameterPack``: a class of typed members, stored under dotted names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_type_hints

import slicer

from .annotations import Default, IsInstance, NotNone, plain_type
from .codec import Codec, Node, codec_for, codec_maker, default_of

RESERVED = ("allParameters", "getValue", "setValue", "dataType")


@dataclass
class Member:
    """One typed member of a pack or of a parameter node."""

    name: str
    codec: Codec
    default: Default
    unalteredType: Any


def members_of(class_: type) -> dict[str, Member]:
    """The annotated members of a class with their codecs and defaults, checked."""
    members = {}
    for name, annotated in get_type_hints(class_, include_extras=True).items():
        codec = codec_for(annotated)
        default = Default(getattr(class_, name)) if hasattr(class_, name) else default_of(annotated, codec)
        members[name] = Member(name, codec, default, annotated)
    return members


def parameterPack(class_: Any = None) -> Any:
    """Class decorator; the class gets properties, a constructor, equality and access by dotted name."""
    if class_ is None:
        return parameterPack
    for name in RESERVED:
        if hasattr(class_, name):
            raise ValueError(f"Cannot use reserved name '{name}' in a parameterPack")
    members = members_of(class_)
    if not members:
        raise ValueError("Unable to find any members in parameterPack")
    for member in members.values():
        try:
            member.codec.check(member.default.value)
        except (ValueError, TypeError) as error:
            raise ValueError(f"The default of '{member.name}' fails the validation checks: {error}") from error
    own_init = vars(class_).get("__init__")
    class_.allParameters = members
    class_._is_parameterPack = True
    class_.getValue, class_.setValue, class_.dataType = _get_value, _set_value, classmethod(_data_type)
    for name in members:
        setattr(class_, name, _member_property(name))

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        self._values, self._stored_in = {}, None
        for member in members.values():
            self._values[member.name] = member.default.value
        if own_init is not None:
            own_init(self, *args, **kwargs)
        else:
            _assign(self, args, kwargs)

    class_.__init__ = init
    class_.__setattr__ = _set_known_attribute
    for name, function in (("__eq__", _equal), ("__repr__", _text), ("__str__", _text)):
        if name not in vars(class_):
            setattr(class_, name, function)
    class_.__hash__ = None
    return class_


def _assign(pack: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    names = list(pack.allParameters)
    if len(args) > len(names):
        raise TypeError(f"__init__() takes {len(names)} arguments but {len(args)} were given")
    for name, value in [*zip(names, args, strict=False), *kwargs.items()]:
        if name not in names:
            raise TypeError(f"__init__() got an unexpected keyword argument '{name}'")
        if name in kwargs and names.index(name) < len(args):
            raise TypeError(f"__init__() got multiple values for argument '{name}'")
        setattr(pack, name, value)


def _set_known_attribute(self: Any, name: str, value: Any) -> None:
    """A pack that is stored on a node takes no attributes it would not store."""
    if self.__dict__.get("_stored_in") is not None and not hasattr(self, name):
        raise AttributeError(f"'{type(self).__name__}' has no attribute '{name}' and attributes cannot be added")
    object.__setattr__(self, name, value)


def _member_property(name: str) -> property:
    def write(self: Any, value: Any) -> None:
        self.allParameters[name].codec.check(value)
        self._values[name] = value
        if self._stored_in is not None:
            node, stored_name = self._stored_in
            codec = self.allParameters[name].codec
            with slicer.util.NodeModify(node):
                codec.write(node, f"{stored_name}.{name}", value)
                self._values[name] = codec.read(node, f"{stored_name}.{name}")

    return property(lambda self: self._values[name], write)


def _equal(self: Any, other: Any) -> bool:
    return type(self) is type(other) and self._values == other._values


def _text(self: Any) -> str:
    return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._values.items())})"


def _get_value(self: Any, name: str) -> Any:
    top, _, rest = name.partition(".")
    if not hasattr(self, top):
        raise ValueError(f"{self} has no member '{top}'")
    value = getattr(self, top)
    if rest and not isParameterPack(value):
        raise ValueError(f"'{top}' is not a parameter pack but expects to have '{rest}'")
    return value.getValue(rest) if rest else value


def _set_value(self: Any, name: str, value: Any) -> None:
    top, _, rest = name.partition(".")
    if not hasattr(self, top):
        raise ValueError(f"{self} has no member '{top}'")
    if not rest:
        setattr(self, top, value)
        return
    inner = getattr(self, top)
    if not isParameterPack(inner):
        raise ValueError(f"'{top}' is not a parameter pack but expects to have '{rest}'")
    inner.setValue(rest, value)


def _data_type(class_: Any, name: str) -> Any:
    top, _, rest = name.partition(".")
    if top not in class_.allParameters:
        raise ValueError(f"{class_} has no member '{top}'")
    annotated = class_.allParameters[top].unalteredType
    if not rest:
        return annotated
    if not isParameterPack(plain_type(annotated)):
        raise ValueError(f"{annotated} is not a parameter pack but expects to have '{rest}'")
    return plain_type(annotated).dataType(rest)


def isParameterPack(class_or_object: Any) -> bool:
    """Whether the class was decorated with ``parameterPack``."""
    return getattr(class_or_object, "_is_parameterPack", False)


def nestedParameterNames(pack: Any) -> list[str]:
    """The dotted names of all members that are no packs themselves."""
    names = []
    for name, member in plain_type(pack).allParameters.items():
        type_ = plain_type(member.unalteredType)
        names += [f"{name}.{inner}" for inner in nestedParameterNames(type_)] if isParameterPack(type_) else [name]
    return names


class PackCodec(Codec):
    """Members under ``name.<member>``; what is read writes its changes back."""

    def __init__(self, type_: Any) -> None:
        super().__init__(NotNone(), IsInstance(type_))
        self._type = type_
        self.cacheable = all(member.codec.cacheable for member in type_.allParameters.values())

    def stores(self, value_type: type) -> bool:
        return isParameterPack(value_type)

    def default(self) -> Any:
        return self._type()

    def is_in(self, node: Node, name: str) -> bool:
        first = next(iter(self._type.allParameters.values()))
        return first.codec.is_in(node, f"{name}.{first.name}")

    def write(self, node: Node, name: str, value: Any) -> None:
        with slicer.util.NodeModify(node):
            for member in self._type.allParameters.values():
                member.codec.write(node, f"{name}.{member.name}", value._values[member.name])

    def read(self, node: Node, name: str) -> Any:
        pack = self._type.__new__(self._type)
        pack._values = {
            member.name: member.codec.read(node, f"{name}.{member.name}")
            for member in self._type.allParameters.values()
        }
        pack._stored_in = (node, name)
        return pack

    def remove(self, node: Node, name: str) -> None:
        for member in self._type.allParameters.values():
            member.codec.remove(node, f"{name}.{member.name}")


@codec_maker
def pack_codec(type_: Any) -> Codec | None:
    """The codec of a parameter pack."""
    return PackCodec(type_) if isParameterPack(type_) else None
