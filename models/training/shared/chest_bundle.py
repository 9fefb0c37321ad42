"""What every chest bundle's manifest and model card have in common."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import onnx
import torch

from shared import card_texts


def chest_manifest(
    model: onnx.ModelProto, graph_file: str, *, bundle_id: str, version: str, commit: str, citation: str
) -> dict[str, Any]:
    """The fields that say who made the bundle, of what data, under which licences, for what, and what runs it.

    ``model`` is the exported graph with float16 weights. Title, methods, description, inputs, outputs, geometry,
    metrics and parity are the caller's.
    """
    return {
        "id": bundle_id,
        "version": version,
        "task": "xray2ct",
        "authors": ["The XRay3D authors"],
        "license": "Apache-2.0",
        "code_license": "Apache-2.0",
        "data_source": card_texts.DATA_SOURCE,
        "data_license": card_texts.DATA_LICENSE,
        "references": [citation],
        "citation": citation,
        "intended_use": card_texts.INTENDED_USE,
        "limitations": list(card_texts.LIMITATIONS),
        "population": card_texts.POPULATION,
        "created": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "training_code_commit": commit,
        "exporter": {"torch": torch.__version__, "onnx": onnx.__version__},
        "files": [{"path": graph_file, "role": "graph"}],
        "runtime": {
            "min_onnxruntime": "1.23",
            "opset": model.opset_import[0].version,
            "ir_version": model.ir_version,
            "precision": ["fp32"],
            "weights_stored_as": "fp16",
            "dynamic_axes": False,
        },
    }


def chest_card(manifest: Mapping[str, Any], training: str, results: Sequence[str]) -> str:
    """The model card: ``training`` says how the network was made, ``results`` are paragraphs and tables."""
    limits = "\n".join(f"- {text}" for text in manifest["limitations"])
    measured = "\n\n".join(results) if results else "Not measured."
    return f"""# {manifest["title"]} ({manifest["id"]} {manifest["version"]})

{manifest["description"]}

**{manifest["intended_use"]}**

## Limits

{limits}

## Network and training

{training}

## Data

{manifest["data_source"]}

{manifest["data_license"]}

{card_texts.ATTRIBUTION}
## Results on held-out patients

{measured}

## Citation

{manifest["citation"]}
"""
