"""A complete small bundle for tests."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from onnx_models import scaling_model
from XRayLib.bundle import parity_block, parity_inputs, write_manifest


def manifest_fields(bundle_id: str, scale: float, size: int = 8) -> dict[str, Any]:
    """A manifest without hashes for ``scaling_model(scale)``."""
    inputs = {"x": {"pattern": "waves", "seed": 5, "shape": [1, 1, size, size]}}
    expected = {"y": np.maximum(parity_inputs({"inputs": inputs})["x"] * np.float32(scale), 0)}
    image = {"dtype": "float32", "layout": "NCHW", "shape": [1, 1, size, size], "quantity": "line_integral"}
    return {
        "id": bundle_id,
        "version": "1.0.0",
        "title": "Scaling",
        "task": "scaling",
        "description": "Multiplies.",
        "authors": ["XRay3D"],
        "license": "Apache-2.0",
        "data_source": "none",
        "data_license": "none",
        "intended_use": "Tests only.",
        "limitations": ["It only multiplies."],
        "eval_metrics": [],
        "created": "2026-11-20",
        "files": [{"path": "model.onnx", "role": "graph"}],
        "inputs": {"x": {"role": "frontal", **image}},
        "outputs": {"y": {"role": "image", **image}},
        "runtime": {"min_onnxruntime": "1.23", "opset": 17, "ir_version": 8, "precision": ["fp32"]},
        "parity": parity_block(inputs, expected, {"fp32": 1e-5}),
    }


def make_bundle(parent: Path, bundle_id: str = "test-scaling", *, scale: float = 2.0, graph: bytes = b"") -> Path:
    """Write a valid bundle below ``parent`` and return its folder; ``graph`` replaces the ONNX file."""
    folder = parent / bundle_id
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(graph or scaling_model(scale))
    (folder / "README.md").write_text("# Scaling\n", encoding="utf-8")
    write_manifest(folder, manifest_fields(bundle_id, scale))
    return folder


def edit_manifest(folder: Path, **changes: Any) -> None:
    """Overwrite fields of a written manifest, with no check at all."""
    file = folder / "model.json"
    manifest = {**json.loads(file.read_text(encoding="utf-8")), **changes}
    file.write_text(json.dumps(manifest), encoding="utf-8")


def list_file(folder: Path, path: str, role: str = "graph", *, real: Path | None = None) -> None:
    """Make the manifest name ``path`` as its only file, with the size and hash of ``real`` (default model.onnx)."""
    content = (real or folder / "model.onnx").read_bytes()
    entry = {"path": path, "role": role, "size_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    edit_manifest(folder, files=[entry])
