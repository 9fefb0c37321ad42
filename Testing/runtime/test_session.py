"""A session runs where it says it runs, and says why it does not run elsewhere."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from bundle_folder import edit_manifest, make_bundle
from onnx import TensorProto, helper, numpy_helper
from onnx_models import scaling_model
from XRayLib.bundle import Bundle, load_bundle
from XRayLib.errors import CancelledError, InputError, MissingDependencyError, OutOfMemoryError, XRay3DError
from XRayLib.runtime import SessionOptions, open_session, providers, session
from XRayLib.runtime.compatibility import check_onnxruntime
from XRayLib.runtime.onnx_session import OnnxSession

IMAGE = np.linspace(-1, 1, 64, dtype=np.float32).reshape(1, 1, 8, 8)


class StandIn:
    """onnxruntime with more providers than there are: those in ``broken`` raise, those in ``silent`` run on the CPU."""

    def __init__(self, broken: tuple[str, ...] = (), silent: tuple[str, ...] = ()) -> None:
        self.broken, self.silent = broken, silent

    def __getattr__(self, name: str) -> object:
        return getattr(onnxruntime, name)

    def get_available_providers(self) -> list[str]:
        return [*self.broken, *self.silent, "CPUExecutionProvider"]

    def InferenceSession(self, content: bytes, settings: object, providers: list, **_: object) -> object:
        wanted = [p if isinstance(p, str) else p[0] for p in providers]
        if wanted[0] in self.broken:
            raise RuntimeError("/src/cuda_call.cc:12 CudaCall CUDA failure 100: no CUDA-capable device is detected")
        return onnxruntime.InferenceSession(content, settings, providers=["CPUExecutionProvider"])


def use(monkeypatch: pytest.MonkeyPatch, stand_in: StandIn) -> None:
    monkeypatch.setattr(session, "import_onnxruntime", lambda: stand_in)


@pytest.mark.parametrize("told", ["", "0", "many"])
def test_a_worker_told_how_many_threads_to_use_uses_so_many(monkeypatch: pytest.MonkeyPatch, told: str) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", told)
    assert 1 <= providers.default_threads() <= (os.cpu_count() or 1)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert providers.default_threads() == 7


def test_cpu_session_computes(bundle: Bundle) -> None:
    opened = open_session(bundle, "cpu")
    assert (opened.provider, opened.precision, opened.fallbacks) == ("cpu", "fp32", ())
    np.testing.assert_allclose(opened.run({"x": IMAGE})["y"], np.maximum(2 * IMAGE, 0))


def test_auto_without_a_gpu_runs_on_the_cpu_without_complaint(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, StandIn())
    assert open_session(bundle).fallbacks == ()


def test_named_device_that_is_not_installed_falls_back_with_a_sentence(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, StandIn())
    opened = open_session(bundle, "cuda")
    assert opened.provider == "cpu"
    assert "install onnxruntime-gpu" in opened.fallbacks[0]
    with pytest.raises(MissingDependencyError, match="install onnxruntime-gpu"):
        open_session(bundle, "cuda", options=SessionOptions(strict=True))


def test_provider_that_fails_is_replaced_with_its_reason(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, StandIn(broken=("CUDAExecutionProvider",)))
    opened = open_session(bundle)
    assert opened.provider == "cpu"
    assert opened.fallbacks == (
        "CUDA was not used: The model 'Scaling' failed on CUDA: CUDA failure 100: no CUDA-capable device is detected.",
    )


def test_silent_fall_back_of_the_runtime_is_noticed(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, StandIn(silent=("CUDAExecutionProvider", "DmlExecutionProvider")))
    opened = open_session(bundle)
    assert opened.provider == "cpu"
    assert [f.split(" ")[0] for f in opened.fallbacks] == ["CUDA", "DirectML"]
    assert all("could not be started" in f for f in opened.fallbacks)


def test_device_with_wrong_results_is_not_used(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    class Pretender:
        def __init__(self, real: object, factor: float) -> None:
            self.real, self.factor = real, factor

        def __getattr__(self, name: str) -> object:
            return getattr(self.real, name)

        def get_providers(self) -> list[str]:
            return ["CUDAExecutionProvider", "CPUExecutionProvider"]

        def run(self, *arguments: object) -> list[np.ndarray]:
            return [self.factor * y for y in self.real.run(*arguments)]

    class Device(StandIn):
        factor = 1.1

        def InferenceSession(self, content: bytes, settings: object, providers: list, **_: object) -> object:
            real = onnxruntime.InferenceSession(content, settings, providers=["CPUExecutionProvider"])
            return real if providers[0] == "CPUExecutionProvider" else Pretender(real, self.factor)

    device = Device(silent=("CUDAExecutionProvider",))
    use(monkeypatch, device)
    opened = open_session(bundle)
    assert opened.provider == "cpu"
    assert "differs from the reference" in opened.fallbacks[0]
    device.factor = 1.0
    assert open_session(bundle).provider == "cuda"


def test_tensorrt_is_tried_only_when_asked_for() -> None:
    names = ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]
    plain, _ = providers.candidates("auto", SessionOptions(), names)
    asked, _ = providers.candidates("auto", SessionOptions(tensorrt=True), names)
    assert [p.device for p in plain] == ["cuda", "cpu"]
    assert [p.device for p in asked] == ["tensorrt", "cuda", "cpu"]


def test_unknown_device_and_wrong_inputs_are_named(bundle: Bundle) -> None:
    with pytest.raises(InputError, match="no device 'tpu'"):
        open_session(bundle, "tpu")
    opened = open_session(bundle, "cpu")
    with pytest.raises(InputError, match="takes the inputs x"):
        opened.run({"image": IMAGE})
    with pytest.raises(InputError, match="1 x 1 x 8 x 8, not 1 x 1 x 9 x 8"):
        opened.run({"x": np.zeros((1, 1, 9, 8))})


def test_kept_inputs_stay_on_the_device(bundle: Bundle) -> None:
    opened = open_session(bundle, "cpu")
    assert isinstance(opened, OnnxSession)
    opened.keep({"x": IMAGE})
    for _ in range(2):
        np.testing.assert_allclose(opened.run({})["y"], np.maximum(2 * IMAGE, 0))
    np.testing.assert_allclose(opened.run({"x": -IMAGE})["y"], np.maximum(-2 * IMAGE, 0))


def slow_bundle(tmp_path: Path, layers: int = 600) -> Bundle:
    """A chain of convolutions that takes seconds."""
    weight = numpy_helper.from_array(np.full((16, 16, 3, 3), 1e-3, np.float32), "w")
    first = numpy_helper.from_array(np.ones((16, 1, 1, 1), np.float32), "first")
    nodes = [helper.make_node("Conv", ["x", "first"], ["t0"])]
    nodes += [helper.make_node("Conv", [f"t{n}", "w"], [f"t{n + 1}"], pads=[1, 1, 1, 1]) for n in range(layers)]
    nodes += [helper.make_node("ReduceMax", [f"t{layers}"], ["y"], keepdims=1)]
    shape = [1, 1, 256, 256]
    graph = helper.make_graph(
        nodes,
        "slow",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [weight, first],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return load_bundle(make_bundle(tmp_path, "slow-bundle", graph=model.SerializeToString()))


def test_progress_callback_that_raises_stops_the_run(tmp_path: Path) -> None:
    opened = open_session(slow_bundle(tmp_path), "cpu", options=SessionOptions(threads=1))
    calls = []

    def while_running() -> None:
        calls.append(time.monotonic())
        if len(calls) == 2:
            raise CancelledError("Cancelled.")

    with pytest.raises(CancelledError):
        opened.run({"x": np.zeros((1, 1, 256, 256))}, while_running=while_running)
    assert time.monotonic() - calls[-1] < 1.0


def test_cancel_from_another_thread_stops_the_run(tmp_path: Path) -> None:
    opened = open_session(slow_bundle(tmp_path), "cpu", options=SessionOptions(threads=1))
    assert isinstance(opened, OnnxSession)
    opened.cancel()
    timer = threading.Timer(0.3, opened.cancel)
    timer.start()
    with pytest.raises(CancelledError):
        opened.run({"x": np.zeros((1, 1, 256, 256))})


@pytest.mark.parametrize(
    "message",
    [
        "[ONNXRuntimeError] : 1 : FAIL : bfc_arena.cc:376 Failed to allocate memory for requested buffer of size 99",
        "CUDA error: out of memory",
        "CUBLAS_STATUS_ALLOC_FAILED",
        "std::bad_alloc",
    ],
)
def test_memory_exhaustion_is_told_as_such(bundle: Bundle, message: str) -> None:
    class Full:
        def get_inputs(self) -> list:
            return []

        get_outputs = get_inputs

        def run(self, *_: object) -> None:
            raise RuntimeError(message)

    cuda = next(p for p in providers.PROVIDERS if p.device == "cuda")
    with pytest.raises(OutOfMemoryError, match=r"on CUDA .*: run it on the CPU"):
        OnnxSession(bundle, Full(), cuda, "fp32").run({})
    with pytest.raises(OutOfMemoryError, match="choose a smaller model"):
        OnnxSession(bundle, Full(), providers.CPU, "fp32").run({})


def test_other_failures_are_one_sentence_without_source_lines(bundle: Bundle) -> None:
    class Broken:
        def get_inputs(self) -> list:
            return []

        get_outputs = get_inputs

        def run(self, *_: object) -> None:
            raise RuntimeError("Non-zero status code\n  while running Conv node.")

    with pytest.raises(XRay3DError, match=r"failed on the CPU: Non-zero status code while running Conv node\.$"):
        OnnxSession(bundle, Broken(), providers.CPU, "fp32").run({})


def test_runtime_that_is_too_old_is_told_before_loading(tmp_path: Path) -> None:
    from XRayLib.bundle.onnx_graph import summarize_onnx

    folder = make_bundle(tmp_path)
    graph = summarize_onnx(scaling_model(), "model.onnx")
    check_onnxruntime(load_bundle(folder), graph, "1.23.2")
    with pytest.raises(MissingDependencyError, match=r"needs ONNX Runtime 1\.23 or newer, 1\.9\.0 is installed"):
        check_onnxruntime(load_bundle(folder), graph, "1.9.0")
    runtime = dict(load_bundle(folder).manifest["runtime"])
    edit_manifest(folder, runtime={**runtime, "min_onnxruntime": "1.40"})
    with pytest.raises(MissingDependencyError, match=r"1\.40"):
        check_onnxruntime(load_bundle(folder), graph, "1.39.7")
    edit_manifest(folder, runtime={**runtime, "opset": 18})
    with pytest.raises(InputError, match="export the bundle again"):
        check_onnxruntime(load_bundle(folder), graph, "1.31.1")


def test_opset_beyond_the_promised_runtime_is_refused(tmp_path: Path) -> None:
    folder = make_bundle(tmp_path, graph=scaling_model(opset=24, ir_version=11))
    runtime = dict(load_bundle(folder).manifest["runtime"])
    edit_manifest(folder, runtime={**runtime, "opset": 24, "ir_version": 11})
    with pytest.raises(InputError, match=r"opset 24 .* which ONNX Runtime 1\.23 cannot load"):
        open_session(load_bundle(folder), "cpu")
