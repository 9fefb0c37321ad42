"""An ONNX model with its weights stored as float16: half the file, the same arithmetic."""

from __future__ import annotations

import copy
import io
import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

OPSET = 17


def exported(
    network: nn.Module,
    example: Sequence[Tensor],
    inputs: Sequence[str],
    outputs: Sequence[str],
    metadata: Mapping[str, str],
    free_axes: Mapping[str, Mapping[int, str]] | None = None,
) -> onnx.ModelProto:
    """The network as a graph with float16 weights; ``free_axes``: input -> axis -> name of its free length."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(),
            tuple(example),
            file,
            opset_version=OPSET,
            dynamo=False,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes=free_axes,
        )
    model = with_half_weights(onnx.load_from_string(file.getvalue()))
    onnx.helper.set_model_props(model, dict(metadata))
    return model


def with_half_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """Float initializers of more than one axis become float16, cast back by nodes that the runtime folds on loading."""
    stored = onnx.ModelProto()
    stored.CopyFrom(model)
    casts = []
    for tensor in stored.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or len(tensor.dims) < 2:
            continue
        name = tensor.name
        half = numpy_helper.to_array(tensor).astype(np.float16)
        tensor.CopyFrom(numpy_helper.from_array(half, f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], name=f"{name}.cast", to=TensorProto.FLOAT))
    nodes = [*casts, *stored.graph.node]
    del stored.graph.node[:]
    stored.graph.node.extend(nodes)
    onnx.checker.check_model(stored)
    return stored


def as_stored(network: nn.Module) -> nn.Module:
    """A copy whose weights and buffers of more than one axis went through float16, as they are stored."""
    stored = copy.deepcopy(network)
    with torch.no_grad():
        for value in (*stored.parameters(), *stored.buffers()):
            if value.is_floating_point() and value.dim() > 1:
                value.copy_(value.half().float())
    return stored
