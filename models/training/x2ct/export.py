"""A generator as a complete model bundle: graph, parity block, manifest with hashes."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from XRayLib.bundle import parity_block, parity_inputs, write_manifest

from x2ct.export_generator import FILM_SIDE, INPUT_NAMES, OUTPUT_NAME, onnx_generator
from x2ct.export_graph import IR_VERSION, OPSET
from x2ct.generator import X2CTGenerator

GRAPH_FILE = "network.onnx"
PARITY_TOLERANCE = {"fp32": 1e-3, "tf32": 1e-2, "fp16": 5e-2}
"""Fractions of the output's rms. Trained networks agree with PyTorch to 1e-5; random weights at the published size
amplify rounding, PyTorch's own too, to 4e-3."""


def export_bundle(
    generator: X2CTGenerator,
    folder: Path,
    manifest: Mapping[str, Any],
    *,
    half_weights: bool = True,
    tolerance: Mapping[str, float] = PARITY_TOLERANCE,
    card: str = "",
) -> dict[str, Any]:
    """Write a bundle into ``folder`` (named by its id) and return the complete manifest.

    Parameters
    ----------
    manifest : what the exporter cannot know: title, texts, licences, metrics, the inputs' and output's meaning. The
        fields ``files``, ``runtime``, ``parity`` and ``exporter`` are filled in here; ``runtime`` is merged.
    half_weights : store weights as float16; the graph still computes in float32.
    card : text of README.md.
    """
    folder.mkdir(parents=True, exist_ok=True)
    identity = {"id": folder.name, "version": str(manifest["version"]), "title": str(manifest["title"])}
    model = onnx_generator(generator, half_weights=half_weights, metadata=identity)
    onnx.save(model, folder / GRAPH_FILE)
    if card:
        (folder / "README.md").write_text(card, encoding="utf-8")
    return write_manifest(
        folder,
        {
            **manifest,
            "id": folder.name,
            "exporter": {
                "torch": torch.__version__,
                "onnx": onnx.__version__,
                "opset": OPSET,
                "ir_version": IR_VERSION,
            },
            "files": [{"path": GRAPH_FILE, "role": "graph"}, *manifest.get("files", ())],
            "runtime": {
                "min_onnxruntime": "1.23",
                "opset": OPSET,
                "ir_version": IR_VERSION,
                "precision": ["fp32"],
                "weights_stored_as": "fp16" if half_weights else "fp32",
                "dynamic_axes": False,
                **manifest.get("runtime", {}),
            },
            "parity": generator_parity(generator, half_weights=half_weights, tolerance=tolerance),
        },
    )


def generator_parity(
    generator: X2CTGenerator, *, half_weights: bool = True, tolerance: Mapping[str, float] = PARITY_TOLERANCE
) -> dict[str, Any]:
    """Parity block whose expected output comes from PyTorch's published formulation with the weights as stored."""
    inputs = {
        name: {"pattern": "waves", "seed": 7 + n, "shape": [1, 1, FILM_SIDE, FILM_SIDE]}
        for n, name in enumerate(INPUT_NAMES[: generator.views])
    }
    films = list(parity_inputs({"inputs": inputs}).values())
    volume = published_output(as_stored(generator) if half_weights else generator, films)
    return parity_block(inputs, {OUTPUT_NAME: volume}, tolerance)


def as_stored(generator: X2CTGenerator) -> X2CTGenerator:
    """A copy whose weights (not biases) went through float16, as ``onnx_generator(half_weights=True)`` stores them."""
    stored = copy.deepcopy(generator)
    with torch.no_grad():
        for parameter in stored.parameters():
            if parameter.dim() > 1:
                parameter.copy_(parameter.half().float())
    return stored


def published_output(generator: X2CTGenerator, films: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The volume (1, 1, 128, 128, 128) by the formulation of the paper, in evaluation mode, on the CPU."""
    training = generator.training
    generator.eval()
    with torch.inference_mode():
        volume = generator.published(*(torch.from_numpy(film) for film in films)).volume
    generator.train(training)
    return volume.float().numpy()
