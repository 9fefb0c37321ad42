"""What this computer can run models on, found by trying. Run it in a child process: a broken driver may crash it.

``python -m XRayLib.runtime`` writes one JSON object.
"""

from __future__ import annotations

import base64
import importlib.metadata
import os
import platform
import subprocess
from typing import Any

import numpy as np

from XRayLib.errors import MissingDependencyError
from XRayLib.runtime.failures import first_line
from XRayLib.runtime.providers import (
    PROVIDERS,
    Provider,
    SessionOptions,
    default_threads,
    import_onnxruntime,
    preload_gpu_libraries,
)

PROBE_INPUT_SIDE = 6
PROBE_MODEL = base64.b64decode(
    "CAgSBnhyYXkzZDrnAQoPCgF4CgF3EgFjIgRDb252CgwKAWMSAXkiBFJlbHUSBXByb2JlKn0IAQgBCAMIAwgDEAFCAXdKbAAAgD8A"
    "AIA/AACAPwAAgD8AAIA/AACAPwAAgD8AAIA/AACAPwAAgD8AAIA/AACAPwAAgD8AAIA/AACAPwAAgD8AAIA/AACAPwAAgD8AAIA/"
    "AACAPwAAgD8AAIA/AACAPwAAgD8AAIA/AACAP1ofCgF4EhoKGAgBEhQKAggBCgIIAQoCCAYKAggGCgIIBmIfCgF5EhoKGAgBEhQK"
    "AggBCgIIAQoCCAQKAggECgIIBEIECgAQEQ=="
)
"""ONNX, opset 17: y = relu(conv(x)), x (1, 1, 6, 6, 6), 3x3x3 kernel of ones, no padding: a voxel of y sums 27 of x."""


def probe_devices() -> dict[str, Any]:
    """JSON values: versions, CPU, GPUs by the driver, and per installed provider whether a real session ran on it."""
    found: dict[str, Any] = {
        "platform": platform.platform(),
        "python": platform.python_version(),
        "cpu": {"name": platform.processor(), "threads": default_threads(), "logical": os.cpu_count()},
        "memory_mb": _memory_mb(),
        "gpus": _nvidia_gpus(),
        "torch": _version("torch"),
        "onnxruntime": None,
        "devices": {},
        "best": "",
    }
    try:
        ort = import_onnxruntime()
    except MissingDependencyError as error:
        return {**found, "reason": str(error)}
    available = ort.get_available_providers()
    found["onnxruntime"] = ort.__version__
    for provider in PROVIDERS:
        if provider.name in available and provider.device != "tensorrt":
            reason = _why_not(ort, provider)
            found["devices"][provider.device] = {"works": not reason, "reason": reason}
    found["best"] = next((d for d, state in found["devices"].items() if state["works"]), "")
    return found


def _why_not(ort: Any, provider: Provider) -> str:
    """Empty when a 3D convolution runs on the provider and is right, else the reason."""
    if provider.device == "cuda":
        preload_gpu_libraries(ort)
    settings = ort.SessionOptions()
    settings.log_severity_level = 4
    settings.enable_mem_pattern = provider.device != "directml"
    wanted = [(provider.name, provider.options(SessionOptions(precision="fp32")))]
    x = np.arange(PROBE_INPUT_SIDE**3, dtype=np.float32).reshape(1, 1, *3 * (PROBE_INPUT_SIDE,)) / 100
    windows = np.lib.stride_tricks.sliding_window_view(x[0, 0], (3, 3, 3))
    try:
        session = ort.InferenceSession(PROBE_MODEL, settings, providers=wanted, enable_fallback=0)
        if session.get_providers()[0] != provider.name:
            return f"{provider.title} could not be started: its driver or libraries are missing or too old."
        (y,) = session.run(None, {"x": x})
    except Exception as error:
        return f"{provider.title} failed: {first_line(error)}"
    right = np.allclose(y[0, 0], windows.sum(axis=(3, 4, 5)), rtol=1e-4)
    return "" if right else f"{provider.title} computes wrong values."


def _nvidia_gpus() -> list[dict[str, Any]]:
    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader,nounits"]
    try:
        text = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    rows = [[cell.strip() for cell in line.split(",")] for line in text.splitlines() if line.count(",") == 2]
    return [{"name": name, "driver": driver, "memory_mb": _number(memory)} for name, driver, memory in rows]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _memory_mb() -> float | None:
    try:
        import psutil
    except ImportError:
        return None
    return round(psutil.virtual_memory().total / 2**20)


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
