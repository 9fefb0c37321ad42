"""What an ONNX file would make a runtime do, read from its protobuf without importing onnx and without parsing weights.

Field numbers are those of onnx.proto (ONNX IR specification). The wire format is Protocol Buffers': a varint key
``field << 3 | type``, then a varint (0), 8 bytes (1), a length-delimited field (2) or 4 bytes (5).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from XRayLib.errors import InputError

MODEL_IR_VERSION, MODEL_GRAPH, MODEL_OPSET_IMPORT, MODEL_FUNCTIONS = 1, 7, 8, 25
OPSET_DOMAIN, OPSET_VERSION = 1, 2
GRAPH_NODE, GRAPH_INITIALIZER, GRAPH_SPARSE_INITIALIZER = 1, 5, 15
FUNCTION_NODE, FUNCTION_OPSET_IMPORT = 7, 9
NODE_OP_TYPE, NODE_ATTRIBUTE, NODE_DOMAIN = 4, 5, 7
ATTRIBUTE_TENSOR, ATTRIBUTE_GRAPH, ATTRIBUTE_TENSORS, ATTRIBUTE_GRAPHS = 5, 6, 10, 11
ATTRIBUTE_SPARSE_TENSOR, ATTRIBUTE_SPARSE_TENSORS = 22, 23
SPARSE_VALUES, SPARSE_INDICES = 1, 2
TENSOR_EXTERNAL_DATA, TENSOR_DATA_LOCATION = 13, 14
MAX_DEPTH = 16

STANDARD_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})
"""Operators that ONNX Runtime itself implements; any other domain needs a custom-operator library."""
REFUSED_OPERATORS = frozenset({"EPContext", "PyOp", "PythonOp"})
"""Operators that load compiled engines or run Python code."""


@dataclass
class OnnxSummary:
    """``opsets`` domain -> version; ``operators`` (domain, type) used; ``external_data`` weights in other files."""

    ir_version: int = 0
    opsets: dict[str, int] = field(default_factory=dict)
    operators: set[tuple[str, str]] = field(default_factory=set)
    external_data: bool = False
    has_graph: bool = False

    @property
    def opset(self) -> int:
        """Version of the standard operator set, 0 when none is imported."""
        return self.opsets.get("", self.opsets.get("ai.onnx", 0))


def summarize_onnx(content: bytes | memoryview, name: str) -> OnnxSummary:
    """Read the structure of an ONNX model. Raises InputError, naming ``name``, when the bytes are no ONNX model."""
    summary = OnnxSummary()
    try:
        for number, value in _fields(memoryview(content)):
            if number == MODEL_IR_VERSION and isinstance(value, int):
                summary.ir_version = value
            elif number == MODEL_OPSET_IMPORT:
                _read_opset(_message(value), summary)
            elif number == MODEL_GRAPH:
                summary.has_graph = True
                _read_graph(_message(value), summary, 0)
            elif number == MODEL_FUNCTIONS:
                _read_function(_message(value), summary)
    except (ValueError, IndexError, UnicodeDecodeError):
        raise InputError(f"'{name}' is not a readable ONNX model: it is damaged or of another kind.") from None
    if not summary.has_graph or summary.ir_version < 1 or summary.opset < 1:
        raise InputError(f"'{name}' is not a complete ONNX model: export it again.")
    return summary


def refuse_unsafe_onnx(content: bytes | memoryview, name: str) -> OnnxSummary:
    """The summary of a self-contained model of standard operators; InputError for anything else."""
    summary = summarize_onnx(content, name)
    if summary.external_data:
        raise InputError(f"'{name}' keeps weights in other files; export it as a single file.")
    foreign = sorted({d for d, _ in summary.operators} | set(summary.opsets) - STANDARD_DOMAINS)
    foreign = [domain for domain in foreign if domain not in STANDARD_DOMAINS]
    if foreign:
        raise InputError(f"'{name}' needs custom operators ({foreign[0][:80]}), which are never loaded.")
    refused = sorted(kind for _, kind in summary.operators if kind in REFUSED_OPERATORS)
    if refused:
        raise InputError(f"'{name}' contains the operator {refused[0]}, which runs foreign code: refused.")
    return summary


def _read_opset(message: memoryview, summary: OnnxSummary) -> None:
    domain, version = "", 0
    for number, value in _fields(message):
        if number == OPSET_DOMAIN:
            domain = _text(value)
        elif number == OPSET_VERSION and isinstance(value, int):
            version = value
    summary.opsets[domain] = max(version, summary.opsets.get(domain, 0))


def _read_function(message: memoryview, summary: OnnxSummary) -> None:
    for number, value in _fields(message):
        if number == FUNCTION_NODE:
            _read_node(_message(value), summary, 0)
        elif number == FUNCTION_OPSET_IMPORT:
            _read_opset(_message(value), summary)


def _read_graph(message: memoryview, summary: OnnxSummary, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ValueError("graphs nested too deeply")
    for number, value in _fields(message):
        if number == GRAPH_NODE:
            _read_node(_message(value), summary, depth)
        elif number == GRAPH_INITIALIZER:
            _read_tensor(_message(value), summary)
        elif number == GRAPH_SPARSE_INITIALIZER:
            _read_sparse_tensor(_message(value), summary)


def _read_node(message: memoryview, summary: OnnxSummary, depth: int) -> None:
    kind, domain = "", ""
    for number, value in _fields(message):
        if number == NODE_OP_TYPE:
            kind = _text(value)
        elif number == NODE_DOMAIN:
            domain = _text(value)
        elif number == NODE_ATTRIBUTE:
            _read_attribute(_message(value), summary, depth)
    summary.operators.add((domain, kind))


def _read_attribute(message: memoryview, summary: OnnxSummary, depth: int) -> None:
    for number, value in _fields(message):
        if number in (ATTRIBUTE_GRAPH, ATTRIBUTE_GRAPHS):
            _read_graph(_message(value), summary, depth + 1)
        elif number in (ATTRIBUTE_TENSOR, ATTRIBUTE_TENSORS):
            _read_tensor(_message(value), summary)
        elif number in (ATTRIBUTE_SPARSE_TENSOR, ATTRIBUTE_SPARSE_TENSORS):
            _read_sparse_tensor(_message(value), summary)


def _read_sparse_tensor(message: memoryview, summary: OnnxSummary) -> None:
    for number, value in _fields(message):
        if number in (SPARSE_VALUES, SPARSE_INDICES):
            _read_tensor(_message(value), summary)


def _read_tensor(message: memoryview, summary: OnnxSummary) -> None:
    for number, value in _fields(message):
        if number == TENSOR_EXTERNAL_DATA or (number == TENSOR_DATA_LOCATION and value != 0):
            summary.external_data = True


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    position, end = 0, len(message)
    while position < end:
        key, position = _varint(message, position)
        kind = key & 7
        if kind == 0:
            value, position = _varint(message, position)
            yield key >> 3, value
            continue
        if kind == 2:
            length, position = _varint(message, position)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise ValueError("unknown wire type")
        if position + length > end:
            raise ValueError("field runs past the end")
        yield key >> 3, message[position : position + length]
        position += length


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("varint too long")


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ValueError("expected a length-delimited field")
    return value


def _text(value: int | memoryview) -> str:
    return bytes(_message(value)).decode("utf-8")
