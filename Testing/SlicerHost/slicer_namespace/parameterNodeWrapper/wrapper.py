"""``@parameterNodeWrapper``: a class of typed members on a vtkMRMLScriptedModuleNode, bound to widgets."""

from __future__ import annotations

import weakref
from typing import Any

import qt
import slicer

from . import container_codecs, scalar_codecs  # noqa: F401  (register the codecs)
from .annotations import plain_type
from .gui_connectors import GuiConnector, createGuiConnector
from .pack import Member, isParameterPack, members_of

SlicerParameterNamePropertyName = "SlicerParameterName"
RESERVED = (
    "allParameters",
    "default",
    "isCached",
    "dataType",
    "getValue",
    "setValue",
    "connectGui",
    "connectParametersToGui",
    "disconnectGui",
    "StartModify",
    "EndModify",
    "AddObserver",
    "RemoveObserver",
    "Modified",
)


def parameterNodeWrapper(class_: Any = None) -> Any:
    """Class decorator; instances are made with the parameter node: ``MyParameters(logic.getParameterNode())``."""
    if class_ is None:
        return parameterNodeWrapper
    for name in RESERVED:
        if hasattr(class_, name):
            raise ValueError(f"Cannot use reserved name '{name}' in a parameterNodeWrapper")
    members = members_of(class_)
    class_.allParameters = members
    class_._is_parameter_node_wrapper = True
    class_.__init__ = _init
    class_.dataType = classmethod(_data_type)
    for name, function in vars(_Functions).items():
        if not name.startswith("__"):
            setattr(class_, name, function)
    for name in members:
        setattr(class_, name, property(_reader(name), _writer(name)))
    return class_


def isParameterNodeWrapper(class_or_object: Any) -> bool:
    """Whether the class was decorated with ``parameterNodeWrapper``."""
    return getattr(class_or_object, "_is_parameter_node_wrapper", False)


def _reader(name: str) -> Any:
    return lambda self: self._parameters[name].read()


def _writer(name: str) -> Any:
    return lambda self, value: self._parameters[name].write(value)


def _init(self: Any, parameterNode: Any, prefix: str | None = None) -> None:
    self.parameterNode = parameterNode
    self._connectors_by_tag = {}
    self._observers_by_tag = {}
    self._next_tag = 0
    self._updatingGUIFromParameterNode = False
    self._parameters = {
        name: _StoredParameter(member, parameterNode, prefix or "") for name, member in self.allParameters.items()
    }


class _StoredParameter:
    """One member on one node, with the value it had when the node was last modified."""

    def __init__(self, member: Member, node: Any, prefix: str) -> None:
        self._codec, self._default, self._node = member.codec, member.default, node
        self._name = prefix + member.name
        if not self._codec.is_in(node, self._name):
            self._codec.checked_write(node, self._name, self._default.value)
        self.cached = self._codec.cacheable
        self._writing = False
        if self.cached:
            self._value = self._read_node()
            reference = weakref.ref(self)
            self._tag = node.AddObserver("ModifiedEvent", lambda *_: _refresh(reference))

    def __del__(self) -> None:
        if getattr(self, "cached", False) and hasattr(self, "_tag"):
            self._node.RemoveObserver(self._tag)

    @property
    def default(self) -> Any:
        return self._default

    def _read_node(self) -> Any:
        if not self._codec.is_in(self._node, self._name):
            self._codec.write(self._node, self._name, self._default.value)
        return self._codec.read(self._node, self._name)

    def refresh(self) -> None:
        if not self._writing:
            self._value = self._read_node()

    def read(self) -> Any:
        return self._value if self.cached else self._read_node()

    def write(self, value: Any) -> None:
        self._writing = True
        try:
            # The new value must be there before the node's observers ask for it.
            with slicer.util.NodeModify(self._node):
                self._codec.checked_write(self._node, self._name, value)
                if self.cached:
                    self._value = self._read_node()
        finally:
            self._writing = False


def _refresh(reference: Any) -> None:
    parameter = reference()
    if parameter is not None:
        parameter.refresh()


def _check_name(class_or_object: Any, name: str) -> None:
    top, _, rest = name.partition(".")
    if top not in class_or_object.allParameters:
        raise ValueError(
            f"Cannot find a param with the given name: {top}\n  Found parameters {list(class_or_object.allParameters)}"
        )
    if rest:
        _data_type(class_or_object, name)


def _data_type(class_or_object: Any, name: str) -> Any:
    top, _, rest = name.partition(".")
    if not rest:
        _check_name(class_or_object, name)
        return class_or_object.allParameters[top].unalteredType
    type_ = plain_type(class_or_object.allParameters[top].unalteredType)
    if not isParameterPack(type_):
        raise ValueError(f"{type_} is not a parameter pack but expects to have '{rest}'")
    return type_.dataType(rest)


class _Functions:
    """Copied onto the decorated class."""

    def default(self: Any, name: str) -> Any:
        _check_name(self, name)
        return self._parameters[name].default

    def isCached(self: Any, name: str) -> bool:
        _check_name(self, name)
        return self._parameters[name].cached

    def getValue(self: Any, name: str) -> Any:
        _check_name(self, name)
        top, _, rest = name.partition(".")
        value = self._parameters[top].read()
        return value.getValue(rest) if rest else value

    def setValue(self: Any, name: str, value: Any) -> None:
        _check_name(self, name)
        top, _, rest = name.partition(".")
        if rest:
            self._parameters[top].read().setValue(rest, value)
        else:
            self._parameters[top].write(value)

    def connectGui(self: Any, gui: Any) -> int:
        """Bind every widget with a ``SlicerParameterName``, of a widget's children or of a namespace of widgets."""
        is_widget = getattr(gui, "isWidgetType", lambda: False)()
        widgets = gui.findChildren(qt.QWidget) if is_widget else vars(gui).values()
        named = {widget.property(SlicerParameterNamePropertyName): widget for widget in widgets}
        named.pop(None, None)
        named.pop("", None)
        return self.connectParametersToGui(named)

    def connectParametersToGui(self: Any, mapping: dict[str, Any]) -> int:
        for name in mapping:
            _check_name(self, name)
        connectors = {
            name: widget if isinstance(widget, GuiConnector) else createGuiConnector(widget, self.dataType(name))
            for name, widget in mapping.items()
        }
        tag = self._next_tag
        self._next_tag += 1
        self._connectors_by_tag[tag] = connectors
        for name, connector in connectors.items():
            connector.write(self.getValue(name))
            connector.onChanged(_gui_to_parameter(self, name, connector))
        self._observers_by_tag[tag] = self.AddObserver("ModifiedEvent", lambda *_: _update_gui(self))
        return tag

    def disconnectGui(self: Any, tag: int) -> None:
        for connector in self._connectors_by_tag.pop(tag, {}).values():
            connector.onChanged(None)
        if tag in self._observers_by_tag:
            self.RemoveObserver(self._observers_by_tag.pop(tag))

    def StartModify(self: Any) -> int:
        return self.parameterNode.StartModify()

    def EndModify(self: Any, was_modified: int) -> int:
        return self.parameterNode.EndModify(was_modified)

    def AddObserver(self: Any, event: Any, callback: Any, priority: float = 0.0) -> int:
        return self.parameterNode.AddObserver(event, callback, priority)

    def RemoveObserver(self: Any, tag: int) -> None:
        self.parameterNode.RemoveObserver(tag)

    def Modified(self: Any) -> None:
        self.parameterNode.Modified()


def _gui_to_parameter(wrapper: Any, name: str, connector: GuiConnector) -> Any:
    def callback() -> None:
        with slicer.util.NodeModify(wrapper):
            if not wrapper._updatingGUIFromParameterNode:
                wrapper.setValue(name, connector.read())

    return callback


def _update_gui(wrapper: Any) -> None:
    if wrapper._updatingGUIFromParameterNode:
        return
    wrapper._updatingGUIFromParameterNode = True
    try:
        with slicer.util.NodeModify(wrapper):
            for connectors in list(wrapper._connectors_by_tag.values()):
                for name, connector in connectors.items():
                    connector.write(wrapper.getValue(name))
    finally:
        wrapper._updatingGUIFromParameterNode = False


def findChildWidgetForParameter(widget: Any, name: str) -> Any:
    """The child widget that is bound to a parameter, None when there is none."""
    for child in widget.findChildren(qt.QWidget):
        if child.property(SlicerParameterNamePropertyName) == name:
            return child
    return None
