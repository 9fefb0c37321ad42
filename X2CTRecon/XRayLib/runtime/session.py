"""Open a bundle on the best device that really works."""

from __future__ import annotations

import logging
from typing import Any

from XRayLib.bundle import Bundle, compare_with_parity, parity_inputs
from XRayLib.bundle.onnx_graph import summarize_onnx
from XRayLib.errors import MissingDependencyError, XRay3DError
from XRayLib.runtime.compatibility import check_onnxruntime
from XRayLib.runtime.failures import as_project_error
from XRayLib.runtime.memory import return_freed_memory
from XRayLib.runtime.onnx_session import OnnxSession
from XRayLib.runtime.providers import (
    Provider,
    SessionOptions,
    candidates,
    default_threads,
    import_onnxruntime,
    preload_gpu_libraries,
)
from XRayLib.runtime.torch_session import TorchSession, open_torch_session

logger = logging.getLogger(__name__)

Session = OnnxSession | TorchSession


def open_session(
    bundle: Bundle, device: str = "auto", *, options: SessionOptions | None = None, gradients: bool = False
) -> Session:
    """Open the bundle for running.

    Parameters
    ----------
    device : "auto" tries TensorRT (when asked for in the options), CUDA, DirectML, CoreML, then the CPU; a name tries
        that one, then the CPU.
    gradients : load the bundle's TorchScript with PyTorch instead of its ONNX graph.

    A device other than the CPU is used only when ONNX Runtime really runs on it (it falls back silently otherwise) and
    when the bundle's parity inputs give the expected outputs there. ``Session.fallbacks`` holds a sentence for every
    device that was not used. Raises InputError, MissingDependencyError, OutOfMemoryError or XRay3DError.
    """
    options = options or SessionOptions()
    if gradients or not (bundle.has("graph") or bundle.has("graph_fp16")):
        return open_torch_session(bundle, device, options)
    ort = import_onnxruntime()
    providers, reasons = candidates(device, options, ort.get_available_providers())
    if reasons and options.strict:
        raise MissingDependencyError(reasons[0])
    for provider in providers:
        try:
            session = open_on(bundle, provider, options)
        except XRay3DError as error:
            if provider.is_cpu or options.strict or isinstance(error, MissingDependencyError):
                raise
            logger.warning("%s was not used: %s", provider.title, error)
            reasons.append(f"{provider.title} was not used: {error}")
            continue
        session.fallbacks = tuple(reasons)
        return session
    raise MissingDependencyError("The installed ONNX Runtime has no CPU provider: install it again.")


def open_on(bundle: Bundle, provider: Provider, options: SessionOptions) -> OnnxSession:
    """The bundle on exactly this provider, warmed up and compared with its parity block unless it is the CPU."""
    ort = import_onnxruntime()
    role, precision = _graph_role(bundle, provider, options)
    content = bundle.read(role)
    check_onnxruntime(bundle, summarize_onnx(content, bundle.id), ort.__version__)
    if provider.device in ("cuda", "tensorrt"):
        preload_gpu_libraries(ort)
    try:
        raw = ort.InferenceSession(
            content,
            _ort_options(ort, provider, options),
            providers=_provider_list(provider, options),
            enable_fallback=0,
        )
    except Exception as error:
        raise as_project_error(error, bundle.title, provider.title, on_cpu=provider.is_cpu) from error
    if raw.get_providers()[0] != provider.name:
        raise XRay3DError(f"{provider.title} could not be started: its driver or libraries are missing or too old.")
    session = OnnxSession(bundle, raw, provider, precision, options.device_id)
    del content
    return_freed_memory()
    if not provider.is_cpu:
        prove(session)
    return session


def prove(session: OnnxSession) -> float:
    """Run the parity inputs and return the error relative to the expected outputs' rms; XRay3DError when too large."""
    block = session.bundle.manifest["parity"]
    report = compare_with_parity(block, session.run(parity_inputs(block)), session.precision)
    if not report.passed:
        raise XRay3DError(
            f"its output '{report.worst_output}' differs from the reference by {report.error:.1e} of its size "
            f"(allowed {report.tolerance:.1e})."
        )
    return report.error


def _graph_role(bundle: Bundle, provider: Provider, options: SessionOptions) -> tuple[str, str]:
    half = bundle.has("graph_fp16") and not provider.is_cpu and options.precision != "fp32"
    if half or not bundle.has("graph"):
        return "graph_fp16", "fp16"
    if provider.device == "tensorrt" and options.precision != "fp32":
        return "graph", "fp16"
    tf32 = provider.device == "cuda" and options.precision != "fp32"
    return "graph", "tf32" if tf32 else "fp32"


def _ort_options(ort: Any, provider: Provider, options: SessionOptions) -> Any:
    settings = ort.SessionOptions()
    settings.intra_op_num_threads = options.threads or default_threads()
    settings.log_severity_level = 3
    if provider.is_cpu:
        # Planning all tensors into one block, or keeping buffers for reuse, doubles the peak; the arena reuses anyway.
        settings.enable_mem_pattern = False
        settings.enable_mem_reuse = False
    if provider.device == "directml":
        settings.enable_mem_pattern = False
        settings.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    return settings


def _provider_list(provider: Provider, options: SessionOptions) -> list[Any]:
    cpu = "CPUExecutionProvider"
    return [cpu] if provider.is_cpu else [(provider.name, provider.options(options)), cpu]
