"""``sender.connect("valueChanged(int)", function)`` and ``sender.disconnect(...)`` as PythonQt has them."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import shiboken6
from PySide6.QtCore import SIGNAL, QIODevice, QMetaObject, QObject, QProcess

_native_connect = QObject.connect
_native_disconnect = QObject.disconnect


def adapt_connections() -> None:
    """Route ``connect`` and ``disconnect`` of every QObject through the functions below."""
    _route(QObject, QObject.__getattribute__)
    # The devices look attributes up in a way of their own and do not inherit the change.
    for device in (QIODevice, QProcess):
        _route(device, object.__getattribute__)


def _route(class_: type, native: Callable[[Any, str], Any]) -> None:
    def getattribute(self: Any, name: str) -> Any:
        if name == "connect":
            return partial(_dispatch, connect, native(self, name), self)
        if name == "disconnect":
            return partial(_dispatch, disconnect, native(self, name), self)
        return native(self, name)

    class_.__getattribute__ = getattribute  # type: ignore[method-assign]


def _dispatch(ours: Callable[..., bool], native: Callable[..., Any], sender: QObject, *arguments: Any) -> Any:
    """PythonQt's form begins with a signature; PySide6 itself uses its own forms."""
    is_ours = isinstance(arguments[0], str) and not arguments[0][:1].isdigit()
    return ours(sender, *arguments) if is_ours else native(*arguments)


def connect(sender: QObject, signal: str, *target: Any) -> bool:
    """Connect a signal, by its C++ signature, to a callable or to ``receiver, "slot(...)"``.

    Unlike in Slicer, which returns False, an unknown signal raises ValueError.
    """
    signature = _checked(sender, signal)
    function = _slot_function(target)
    relay = _trimmed(function)
    _native_connect(sender, SIGNAL(signature), relay)
    _connections(sender).append((signature, target, relay))
    return True


def disconnect(sender: QObject, signal: str, *target: Any) -> bool:
    """Undo ``connect``; True when there was such a connection."""
    signature = _checked(sender, signal)
    connections = _connections(sender)
    for entry in connections:
        known_signature, known_target, relay = entry
        if known_signature == signature and known_target == target:
            connections.remove(entry)
            return _native_disconnect(sender, SIGNAL(signature), relay)
    return False


def disconnect_all(sender: QObject, signature: str) -> None:
    """Undo every ``connect`` of one signal."""
    for known_signature, target, _ in list(_connections(sender)):
        if known_signature == signature:
            disconnect(sender, signature, *target)


def _checked(sender: QObject, signal: str) -> str:
    signature = bytes(QMetaObject.normalizedSignature(signal).data()).decode()
    # Signals of the host's own widgets carry VTK objects and ids as Python objects.
    in_python = re.sub(r"vtk\w+\*?", "PyObject", signature)
    meta = sender.metaObject()
    for known in (signature, in_python):
        if meta.indexOfSignal(known) >= 0:
            return known
    raise ValueError(f"{meta.className()} has no signal '{signature}'")


def _connections(sender: QObject) -> list[Any]:
    return sender.__dict__.setdefault("_host_connections", [])


def _slot_function(target: tuple[Any, ...]) -> Callable[..., Any]:
    if len(target) == 1 and callable(target[0]):
        return target[0]
    if len(target) == 2 and isinstance(target[1], str):
        return getattr(target[0], target[1].partition("(")[0])
    raise TypeError("connect takes a callable, or a receiver and a slot")


def _trimmed(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with surplus signal arguments dropped; keeps the callable alive, as PythonQt does."""
    count = _accepted_arguments(function)
    receiver = getattr(function, "__self__", None)

    def relay(*arguments: Any) -> None:
        if isinstance(receiver, QObject) and not shiboken6.isValid(receiver):
            return  # Qt drops connections to deleted objects
        try:
            function(*(arguments if count is None else arguments[:count]))
        except Exception:
            # Slicer prints it and goes on; it does not reach who emitted the signal.
            sys.excepthook(*sys.exc_info())

    return relay


def _accepted_arguments(function: Callable[..., Any]) -> int | None:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters):
        return None
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in positional for p in parameters)
