"""A trained network as a model bundle: ONNX graph, parity block, manifest, model card."""

from __future__ import annotations

import datetime
import io
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import nn

from XRayLib.bundle import parity_block, parity_inputs, write_manifest
from XRayLib.preparation.task import BundleDescription, Measured
from XRayLib.preparation.training import Training

OPSET = 17
GRAPH_FILE = "network.onnx"
TOLERANCE = {"fp32": 1e-3, "tf32": 2e-2, "fp16": 5e-2}


def write_bundle(folder: Path, training: Training, validation: Mapping[str, Any]) -> dict[str, Any]:
    """Write the bundle into ``folder``, which is named by its id, and return the manifest.

    ``validation`` is what was measured on fresh films; empty before it has been.
    """
    folder.mkdir(parents=True, exist_ok=True)
    network = training.trained_network()
    task, settings = training.task, training.settings
    told = task.description()
    inputs = {name: dict(pattern) for name, pattern in told.parity_inputs.items()}
    arrays = parity_inputs({"inputs": inputs})
    model = onnx_model(network, task.inputs, task.outputs, arrays)
    (folder / GRAPH_FILE).write_bytes(model.SerializeToString())
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    expected = network_outputs(network, task.outputs, [arrays[name] for name in task.inputs])
    manifest = {
        "id": task.what,
        "version": "1.0.0",
        "title": told.title,
        "task": told.task,
        "methods": [task.what],
        "description": f"Trained for one patient's CT on simulated films, {training.iterations} batches of "
        f"{settings.batch} in {training.seconds / 60:.0f} minutes.",
        "authors": ["Prepared on this computer"],
        "license": "LicenseRef-as-the-patient-CT",
        "data_source": "One patient's CT, simulated films.",
        "data_license": "That of the patient's CT; the weights can reveal the patient's anatomy.",
        "intended_use": told.intended_use,
        "limitations": list(told.limitations),
        "eval_metrics": _metrics(told.measured, validation, today),
        "created": today,
        "exporter": {"torch": torch.__version__, "onnx": onnx.__version__, "opset": OPSET},
        "files": [{"path": GRAPH_FILE, "role": "graph"}, *_written(folder, told)],
        "inputs": {name: _tensor(told.tensors[name], arrays[name].shape) for name in task.inputs},
        "outputs": {name: _tensor(told.tensors[name], array.shape) for name, array in expected.items()},
        "geometry": {"n_views": 1, "view_angles_deg": [list(view) for view in settings.views_deg]},
        "runtime": {
            "min_onnxruntime": "1.23",
            "opset": OPSET,
            "ir_version": model.ir_version,
            "precision": ["fp32"],
            "weights_stored_as": "fp32",
            "dynamic_axes": False,
        },
        "parity": parity_block(inputs, expected, TOLERANCE),
        "preparation": {
            "window_mm": task.patient.window_mm,
            "side_px": settings.input_px,
            "middle_ras_mm": task.patient.middle_ras_mm.tolist(),
            "corners_ras_mm": task.patient.corners_ras_mm.tolist(),
            "settings": settings.as_json(),
            "iterations": training.iterations,
            "seconds": round(training.seconds, 1),
            "validation": dict(validation),
            **told.patient,
        },
    }
    (folder / "README.md").write_text(_card(manifest), encoding="utf-8")
    return write_manifest(folder, manifest)


def onnx_model(
    network: nn.Module, inputs: tuple[str, ...], outputs: tuple[str, ...], examples: Mapping[str, np.ndarray]
) -> onnx.ModelProto:
    """The network as one ONNX graph for inputs of the examples' shapes."""
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter announces its own successor
        torch.onnx.export(
            network,
            tuple(torch.from_numpy(examples[name]) for name in inputs),
            stream,
            input_names=list(inputs),
            output_names=list(outputs),
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load_from_string(stream.getvalue())
    model.ir_version = min(model.ir_version, 8)
    model.doc_string = ""
    onnx.checker.check_model(model)
    return model


def network_outputs(network: nn.Module, names: tuple[str, ...], inputs: list[np.ndarray]) -> dict[str, np.ndarray]:
    """What PyTorch computes, by output name."""
    with torch.inference_mode():
        found = network(*(torch.from_numpy(x) for x in inputs))
    return {name: x.numpy() for name, x in zip(names, found if isinstance(found, tuple) else (found,), strict=True)}


def _written(folder: Path, told: BundleDescription) -> list[dict[str, str]]:
    """The manifest's entries of the further files."""
    for name, (_, write) in told.files.items():
        write(folder / name)
    return [{"path": name, "role": role} for name, (role, _) in told.files.items()]


def _tensor(told: Mapping[str, Any], shape: tuple[int, ...]) -> dict[str, Any]:
    return {"dtype": "float32", "shape": list(shape), **told}


def _metrics(measured: Sequence[Measured], validation: Mapping[str, Any], today: str) -> list[dict[str, Any]]:
    """The measured values as the manifest's entries; none that is infinite."""
    return [
        {
            "dataset": f"{validation['films']} fresh simulated films of the same CT, one view",
            "metric": entry.text,
            "value": validation[entry.name],
            "unit": entry.unit,
            "n": 0,
            "date": today,
            **_baseline(entry, validation),
        }
        for entry in measured
        if validation.get(entry.name) is not None
    ]


def _baseline(entry: Measured, validation: Mapping[str, Any]) -> dict[str, Any]:
    if not entry.baseline:
        return {}
    return {"baseline": entry.baseline_name, "baseline_value": validation.get(entry.baseline)}


def _card(manifest: Mapping[str, Any]) -> str:
    limits = "\n".join(f"- {text}" for text in manifest["limitations"])
    measured = "\n".join(f"- {m['metric']}: {m['value']} {m['unit']}" for m in manifest["eval_metrics"]) or "- none yet"
    return f"""# {manifest["title"]}

{manifest["description"]}

**{manifest["intended_use"]}**

## Limits

{limits}

## Measured on fresh simulated films of the same CT

{measured}
"""
