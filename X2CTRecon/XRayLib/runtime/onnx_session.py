"""One bundle running in ONNX Runtime on one device."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillRunning
from typing import Any

import numpy as np
from numpy.typing import NDArray

from XRayLib.bundle import Bundle
from XRayLib.errors import InputError
from XRayLib.runtime.failures import as_project_error
from XRayLib.runtime.providers import Provider

POLL_SECONDS = 0.1
_DTYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(int64)": np.int64}
_DTYPES |= {"tensor(int32)": np.int32, "tensor(double)": np.float64, "tensor(bool)": np.bool_}


class OnnxSession:
    """Runs the bundle's graph. Made by ``open_session``.

    Attributes
    ----------
    bundle : the bundle it runs
    provider : "cuda", "tensorrt", "directml", "coreml" or "cpu": where it really runs
    precision : "fp32", "tf32" or "fp16"
    fallbacks : one sentence for each device that was tried before and why it was not used
    """

    def __init__(self, bundle: Bundle, session: Any, provider: Provider, precision: str, device_id: int = 0) -> None:
        self.bundle = bundle
        self.provider = provider.device
        self.precision = precision
        self.fallbacks: tuple[str, ...] = ()
        self._provider = provider
        self._session = session
        session._model_bytes = None  # kept by the wrapper for a fall-back that is switched off: as large as the file
        self._device_id = device_id
        self._run_options: Any = None
        self._lock = threading.Lock()
        self._inputs = {i.name: i for i in session.get_inputs()}
        self._outputs = [o.name for o in session.get_outputs()]
        self._kept: dict[str, Any] = {}

    def run(
        self, inputs: Mapping[str, NDArray[Any]], *, while_running: Callable[[], None] | None = None
    ) -> dict[str, NDArray[Any]]:
        """Compute all outputs.

        Parameters
        ----------
        inputs : an array per graph input (those given to ``keep`` may be left out), shapes as in the manifest;
            converted to the graph's type
        while_running : called every 0.1 s in the calling thread while the graph runs in another; when it raises (a
            progress callback raises CancelledError) the run is stopped and the exception goes on

        Raises InputError for wrong names or shapes, CancelledError after ``cancel``, OutOfMemoryError, XRay3DError.
        Half-precision outputs are returned as float32.
        """
        arrays = self._checked(inputs)
        if while_running is None:
            return self._run(arrays)
        with ThreadPoolExecutor(1, "onnxruntime") as pool:
            future = pool.submit(self._run, arrays)
            try:
                while True:
                    try:
                        return future.result(timeout=POLL_SECONDS)
                    except StillRunning:
                        while_running()
            except BaseException:
                self._terminate_until(future.done)
                raise

    def cancel(self) -> None:
        """Stop the run in progress, from another thread: it raises CancelledError there. Does nothing between runs."""
        with self._lock:
            if self._run_options is not None:
                self._run_options.terminate = True

    def keep(self, inputs: Mapping[str, NDArray[Any]]) -> None:
        """Put inputs that stay the same over many runs on the device once (IO binding), e.g. in a pose refinement."""
        ort = _ort()
        kind = "cuda" if self.provider in ("cuda", "tensorrt") else "cpu"
        for name, array in self._checked(inputs, complete=False).items():
            self._kept[name] = ort.OrtValue.ortvalue_from_numpy(array, kind, self._device_id)

    def _run(self, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        options = _ort().RunOptions()
        options.log_severity_level = 3
        with self._lock:
            self._run_options = options
        try:
            found = self._run_bound(arrays, options) if self._kept else self._session.run(None, dict(arrays), options)
        except Exception as error:
            raise as_project_error(
                error, self.bundle.title, self._provider.title, on_cpu=self._provider.is_cpu
            ) from error
        finally:
            with self._lock:
                self._run_options = None
        return {
            name: array.astype(np.float32) if array.dtype == np.float16 else array
            for name, array in zip(self._outputs, found, strict=True)
        }

    def _run_bound(self, arrays: Mapping[str, NDArray[Any]], options: Any) -> list[NDArray[Any]]:
        binding = self._session.io_binding()
        for name in self._inputs:
            if name in arrays:
                binding.bind_cpu_input(name, arrays[name])
            else:
                binding.bind_ortvalue_input(name, self._kept[name])
        for name in self._outputs:
            binding.bind_output(name)
        self._session.run_with_iobinding(binding, options)
        return binding.copy_outputs_to_cpu()

    def _checked(self, inputs: Mapping[str, NDArray[Any]], *, complete: bool = True) -> dict[str, NDArray[Any]]:
        unknown, missing = set(inputs) - set(self._inputs), set(self._inputs) - set(inputs) - set(self._kept)
        if unknown or (complete and missing):
            raise InputError(f"The model '{self.bundle.title}' takes the inputs {', '.join(self._inputs)}.")
        return {name: self._checked_array(name, np.asarray(array)) for name, array in inputs.items()}

    def _checked_array(self, name: str, array: NDArray[Any]) -> NDArray[Any]:
        wanted = self._inputs[name].shape
        fits = len(wanted) == array.ndim and all(
            not isinstance(w, int) or w == n for w, n in zip(wanted, array.shape, strict=True)
        )
        if not fits:
            found = _shape_text(array.shape)
            raise InputError(f"The model '{self.bundle.title}' takes '{name}' as {_shape_text(wanted)}, not {found}.")
        return np.ascontiguousarray(array, dtype=_DTYPES.get(self._inputs[name].type, array.dtype))

    def _terminate_until(self, done: Callable[[], bool]) -> None:
        """Repeat ``cancel``: a run that has not entered the runtime yet would miss the first one."""
        pause = threading.Event()
        while not done():
            self.cancel()
            pause.wait(POLL_SECONDS / 10)


def _shape_text(shape: Any) -> str:
    return " x ".join(str(n) for n in shape)


def _ort() -> Any:
    import onnxruntime

    return onnxruntime
