"""A trained network as a model bundle: ONNX graph, parity block, manifest, model card."""

from __future__ import annotations

import datetime
import io
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import nn
from XRayLib.bundle import parity_block, parity_inputs, write_manifest

from XRayRegistrationLib.preparation.scene_coordinate_network import SCENE_UNIT_MM
from XRayRegistrationLib.preparation.training import Training

OPSET = 17
GRAPH_FILE = "network.onnx"
TOLERANCE = {"fp32": 1e-3, "tf32": 2e-2, "fp16": 5e-2}
TASKS = {"pose-regression": "pose2d3d", "scene-coordinates": "scene_coordinates"}
TITLES = {"pose-regression": "Pose of one patient", "scene-coordinates": "Scene coordinates of one patient"}
USE = "Start poses for the registration of exactly this CT. Research use only; not a medical device."
LIMITS = (
    "Knows one CT only; for another patient, or the same one after an operation, its answer means nothing.",
    "Trained on simulated films of the views and ranges that it was prepared for.",
    "A start, not a registration: its pose is refined and judged afterwards.",
)


def write_bundle(folder: Path, training: Training, validation: Mapping[str, Any]) -> dict[str, Any]:
    """Write the bundle into ``folder``, which is named by its id, and return the manifest.

    ``validation`` is what ``validation.py`` measured; empty before it has.
    """
    folder.mkdir(parents=True, exist_ok=True)
    network = training.trained_network()
    task, settings = training.task, training.settings
    inputs = parity_patterns(task.what, settings.input_px)
    arrays = parity_inputs({"inputs": inputs})
    model = onnx_model(network, task.inputs, task.outputs, arrays)
    (folder / GRAPH_FILE).write_bytes(model.SerializeToString())
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    expected = network_outputs(network, task.outputs, [arrays[name] for name in task.inputs])
    manifest = {
        "id": task.what,
        "version": "1.0.0",
        "title": TITLES[task.what],
        "task": TASKS[task.what],
        "methods": [task.what],
        "description": f"Trained for one patient's CT on simulated films, {training.iterations} batches of "
        f"{settings.batch} in {training.seconds / 60:.0f} minutes.",
        "authors": ["Prepared on this computer"],
        "license": "LicenseRef-as-the-patient-CT",
        "data_source": "One patient's CT, simulated films.",
        "data_license": "That of the patient's CT; the weights can reveal the patient's anatomy.",
        "intended_use": USE,
        "limitations": list(LIMITS),
        "eval_metrics": _metrics(validation, today),
        "created": today,
        "exporter": {"torch": torch.__version__, "onnx": onnx.__version__, "opset": OPSET},
        "files": [{"path": GRAPH_FILE, "role": "graph"}],
        "inputs": {name: _tensor(name, arrays[name].shape) for name in task.inputs},
        "outputs": {name: _tensor(name, array.shape) for name, array in expected.items()},
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
            "window_mm": task.anatomy.window_mm,
            "side_px": settings.input_px,
            "middle_ras_mm": task.anatomy.middle_ras_mm.tolist(),
            "corners_ras_mm": task.anatomy.corners_ras_mm.tolist(),
            "settings": settings.as_json(),
            "iterations": training.iterations,
            "seconds": round(training.seconds, 1),
            "validation": dict(validation),
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


def parity_patterns(what: str, side: int) -> dict[str, dict[str, Any]]:
    """Fixed inputs, about like films; a camera's numbers need only be positive, a rotation need not rotate."""
    patterns: dict[str, dict[str, Any]] = {
        "contrasts": {"pattern": "waves", "seed": 7, "shape": [1, 2, side, side], "low": -2.0, "high": 2.0}
    }
    if what == "pose-regression":
        patterns["nominal_rotation"] = {"pattern": "uniform", "seed": 8, "shape": [1, 3, 3], "low": -1.0, "high": 1.0}
        patterns["camera"] = {"pattern": "uniform", "seed": 9, "shape": [1, 4], "low": 100.0, "high": 200.0}
    return patterns


def _tensor(name: str, shape: tuple[int, ...]) -> dict[str, Any]:
    kinds: dict[str, dict[str, Any]] = {
        "contrasts": {
            "role": "film",
            "layout": "NCHW",
            "quantity": "relative_attenuation",
            "intensity": {"kind": "global_and_local_standard_scores"},
            "plane": "isocenter",
        },
        "nominal_rotation": {"role": "nominal_rotation", "layout": "NHW", "quantity": "rotation"},
        "camera": {"role": "camera", "layout": "NC", "quantity": "focal_px, principal_point_px, middle_depth_mm"},
        "rotation": {"role": "rotation", "layout": "NHW", "quantity": "rotation"},
        "translation": {"role": "translation", "layout": "NC", "quantity": "mm"},
        "scene": {
            "role": "scene_coordinates",
            "layout": "NCHW",
            "quantity": "mm",
            "scale": SCENE_UNIT_MM,
            "axes": "RAS",
        },
    }
    return {"dtype": "float32", "shape": list(shape), **kinds[name]}


def _metrics(validation: Mapping[str, Any], today: str) -> list[dict[str, Any]]:
    """The measured medians as the manifest's entries; none that is infinite."""
    nominal = {"baseline": "nominal pose", "baseline_value": validation.get("nominal_mtre_mm")}
    units = {"mtre_mm": "mm", "rotation_deg": "deg", "projected_mm": "mm"}
    return [
        {
            "dataset": f"{validation['films']} fresh simulated films of the same CT, one view",
            "metric": f"median {name}, before refinement",
            "value": validation[name],
            "unit": unit,
            "n": 0,
            "date": today,
            **(nominal if name == "mtre_mm" else {}),
        }
        for name, unit in units.items()
        if validation.get(name) is not None
    ]


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
