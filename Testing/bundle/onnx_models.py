"""Small ONNX models for tests, as bytes."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def scaling_model(scale: float = 2.0, *, opset: int = 17, ir_version: int = 8, size: int = 8) -> bytes:
    """y = relu(conv(x)) for x (1, 1, size, size), with a 1x1 kernel of that value."""
    weight = numpy_helper.from_array(np.full((1, 1, 1, 1), scale, np.float32), "weight")
    nodes = [helper.make_node("Conv", ["x", "weight"], ["c"]), helper.make_node("Relu", ["c"], ["y"])]
    return _model(nodes, [weight], size, opset=opset, ir_version=ir_version).SerializeToString()


def external_data_model(file_name: str = "../outside.bin") -> bytes:
    """The same, with its weight in another file."""
    weight = TensorProto(name="weight", data_type=TensorProto.FLOAT, dims=[1, 1, 1, 1])
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value=file_name)
    return _model([helper.make_node("Conv", ["x", "weight"], ["y"])], [weight], 8).SerializeToString()


def custom_operator_model() -> bytes:
    """A model that needs somebody's operator library."""
    model = _model([helper.make_node("Anything", ["x"], ["y"], domain="some.company")], [], 8)
    model.opset_import.add(domain="some.company", version=1)
    return model.SerializeToString()


def engine_model() -> bytes:
    """A model with a compiled engine inside."""
    model = _model([helper.make_node("EPContext", ["x"], ["y"], domain="com.microsoft")], [], 8)
    return model.SerializeToString()


def hidden_external_data_model() -> bytes:
    """External data inside a constant inside a subgraph."""
    constant = TensorProto(name="c", data_type=TensorProto.FLOAT, dims=[1])
    constant.data_location = TensorProto.EXTERNAL
    constant.external_data.add(key="location", value="/etc/passwd")
    node = helper.make_node("Constant", [], ["z"], value=constant)
    branch = helper.make_graph([node], "b", [], [helper.make_tensor_value_info("z", TensorProto.FLOAT, None)])
    truth = numpy_helper.from_array(np.array(True), "yes")
    return _model(
        [helper.make_node("If", ["yes"], ["y"], then_branch=branch, else_branch=branch)], [truth], 8
    ).SerializeToString()


def _model(nodes: list, weights: list, size: int, *, opset: int = 17, ir_version: int = 8) -> onnx.ModelProto:
    shape = [1, 1, size, size]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version)
