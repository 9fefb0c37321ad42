"""ONNX Runtime's execution providers: which to try, with which options, and whether they are installed."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from XRayLib.errors import InputError, MissingDependencyError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SessionOptions:
    """How a session runs.

    threads : CPU threads inside one operator; 0 chooses from the physical cores.
    precision : "fp32", "fp16" (when the bundle has such a graph and the device runs it) or "auto" (fp16 on GPUs).
    tensorrt : also try TensorRT; its first start compiles an engine, which takes minutes.
    device_id : which GPU.
    gpu_memory_limit_mb : 0 for no limit.
    strict : fail instead of falling back to another device.
    """

    threads: int = 0
    precision: str = "auto"
    tensorrt: bool = False
    device_id: int = 0
    gpu_memory_limit_mb: int = 0
    strict: bool = False


@dataclass(frozen=True)
class Provider:
    """An execution provider: ``device`` is this project's word for it, ``name`` the runtime's, ``title`` the user's."""

    device: str
    name: str
    title: str
    options: Callable[[SessionOptions], dict[str, Any]]

    @property
    def is_cpu(self) -> bool:
        """The reference provider, which is always there."""
        return self.device == "cpu"


def _cuda(options: SessionOptions) -> dict[str, Any]:
    limit = {"gpu_mem_limit": str(options.gpu_memory_limit_mb << 20)} if options.gpu_memory_limit_mb else {}
    return {
        "device_id": str(options.device_id),
        "arena_extend_strategy": "kSameAsRequested",  # the default doubles the arena and takes twice what is needed
        "cudnn_conv_algo_search": "HEURISTIC",  # the exhaustive search costs seconds on the first 3D convolution
        "do_copy_in_default_stream": "1",
        "use_tf32": "0" if options.precision == "fp32" else "1",
        **limit,
    }


def _tensorrt(options: SessionOptions) -> dict[str, Any]:
    return {
        "device_id": str(options.device_id),
        "trt_fp16_enable": "0" if options.precision == "fp32" else "1",
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": str(_engine_cache()),
        "trt_timing_cache_enable": "1",
        "trt_timing_cache_path": str(_engine_cache()),
    }


def _directml(options: SessionOptions) -> dict[str, Any]:
    return {"device_id": str(options.device_id)}


def _coreml(_: SessionOptions) -> dict[str, Any]:
    return {"ModelFormat": "MLProgram", "MLComputeUnits": "ALL"}


CPU = Provider("cpu", "CPUExecutionProvider", "the CPU", lambda _: {})
PROVIDERS = (
    Provider("tensorrt", "TensorrtExecutionProvider", "TensorRT", _tensorrt),
    Provider("cuda", "CUDAExecutionProvider", "CUDA", _cuda),
    Provider("directml", "DmlExecutionProvider", "DirectML", _directml),
    Provider("coreml", "CoreMLExecutionProvider", "CoreML", _coreml),
    CPU,
)
"""In the order in which "auto" tries them."""
DEVICES = ("auto", *(p.device for p in PROVIDERS))


def import_onnxruntime() -> Any:
    """The onnxruntime module; MissingDependencyError says what to install."""
    try:
        import onnxruntime
    except ImportError:
        raise MissingDependencyError("Running a model needs the Python package 'onnxruntime': install it.") from None
    if not hasattr(onnxruntime, "InferenceSession"):
        raise MissingDependencyError(
            "The installed 'onnxruntime' is incomplete, often because it and 'onnxruntime-gpu' are both installed: "
            "uninstall both, then install one of them."
        )
    return onnxruntime


def candidates(device: str, options: SessionOptions, available: list[str]) -> tuple[list[Provider], list[str]]:
    """Providers to try in order, the CPU last, and a sentence for every wanted one that is not installed."""
    if device not in DEVICES:
        raise InputError(f"There is no device '{device}'. Known: {', '.join(DEVICES)}.")
    if device == "auto":
        wanted = [p for p in PROVIDERS if p.device != "tensorrt" or options.tensorrt]
        return [p for p in wanted if p.name in available], []
    chosen = next(p for p in PROVIDERS if p.device == device)
    if chosen.name in available:
        return [chosen] if chosen.is_cpu else [chosen, CPU], []
    return [CPU], [f"{chosen.title} is not part of the installed ONNX Runtime: {_install_hint(chosen)}."]


def preload_gpu_libraries(ort: Any) -> None:
    """Let ONNX Runtime find CUDA and cuDNN in Python packages (nvidia-*, torch). Its messages go to the log."""
    if not hasattr(ort, "preload_dlls"):
        return
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        ort.preload_dlls(cuda=True, cudnn=True)
    if said.getvalue():
        logger.info("loading CUDA libraries: %s", said.getvalue().strip())


def default_threads() -> int:
    """OMP_NUM_THREADS where it is set, which is how a worker is told.

    Else the physical cores this process may use; one is left free for the user interface when there are more than two.
    """
    told = os.environ.get("OMP_NUM_THREADS", "")
    if told.isdecimal() and int(told) > 0:
        return int(told)
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        import psutil

        usable = min(usable, psutil.cpu_count(logical=False) or usable)
    except ImportError:
        logger.info("psutil is not installed: counting logical cores")
    return usable - 1 if usable > 2 else usable


def _install_hint(provider: Provider) -> str:
    if provider.device in ("cuda", "tensorrt"):
        return "install onnxruntime-gpu in place of onnxruntime"
    if provider.device == "directml":
        return "install onnxruntime-directml in place of onnxruntime (Windows only)"
    return "it exists on macOS only"


def _engine_cache() -> Path:
    """Engines are programs for one GPU: they stay in the user's own folder and are never part of a bundle."""
    from XRayLib.bundle import user_models_folder

    folder = user_models_folder().parent / "tensorrt"
    folder.mkdir(parents=True, exist_ok=True)
    if sys.platform != "win32":
        folder.chmod(0o700)
    return folder
