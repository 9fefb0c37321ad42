"""A small writer of ONNX graphs: every operator call returns the name of its output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
IR_VERSION = 8


class OnnxGraph:
    """Collects nodes and weights.

    ``graph("Conv", x, weight, pads=[1, 1, 1, 1])`` appends a node and returns the name of its output. With
    ``half_weights`` the weights are stored as float16 and cast to float32 by nodes that the runtime folds when it
    loads the model: half the file, the same arithmetic.
    """

    def __init__(self, *, half_weights: bool) -> None:
        self.half_weights = half_weights
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: list[onnx.TensorProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    def __call__(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Append one node with one output."""
        output = f"{operator}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, list(inputs), [output], name=output, **attributes))
        return output

    def input(self, name: str, shape: Sequence[int]) -> str:
        """Declare a float32 input."""
        self._inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape)))
        return name

    def output(self, name: str, value: str, shape: Sequence[int]) -> None:
        """Declare a float32 output holding ``value``."""
        self._nodes.append(helper.make_node("Identity", [value], [name], name=name))
        self._outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape)))

    def weight(self, array: NDArray[np.float32]) -> str:
        """A learned array, float32 in the graph."""
        if not self.half_weights:
            return self._initializer(np.ascontiguousarray(array, np.float32))
        stored = self._initializer(np.ascontiguousarray(array, np.float16))
        return self("Cast", stored, to=TensorProto.FLOAT)

    def constant(self, array: NDArray[Any] | Sequence[float] | float) -> str:
        """A float32 array that is not learned; equal ones are stored once."""
        return self._shared(np.ascontiguousarray(array, np.float32))

    def integers(self, *values: int) -> str:
        """A 1D int64 array: shapes, indices, axes."""
        return self._shared(np.array(values, np.int64))

    def zeros(self, *shape: int) -> str:
        """Float32 zeros that take no room in the file."""
        return self("ConstantOfShape", self.integers(*shape))

    def reshape(self, value: str, *shape: int) -> str:
        """The same numbers in another shape."""
        return self("Reshape", value, self.integers(*shape))

    def sliced(self, value: str, axis: int, start: int, stop: int, step: int = 1) -> str:
        """``value[start:stop:step]`` along ``axis``."""
        bounds = (self.integers(n) for n in (start, stop, axis, step))
        return self("Slice", value, *bounds)

    def model(self, name: str, metadata: dict[str, str]) -> onnx.ModelProto:
        """The finished, checked model; ``metadata`` becomes its metadata_props, to tell what a bare file is."""
        graph = helper.make_graph(self._nodes, name, self._inputs, self._outputs, self._initializers)
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="xray3d"
        )
        model.doc_string = metadata.get("description", "")
        helper.set_model_props(model, metadata)
        onnx.checker.check_model(model)
        return model

    def _shared(self, array: NDArray[Any]) -> str:
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            self._constants[key] = self._initializer(array)
        return self._constants[key]

    def _initializer(self, array: NDArray[Any]) -> str:
        name = f"w{len(self._initializers)}"
        self._initializers.append(numpy_helper.from_array(array, name))
        return name
