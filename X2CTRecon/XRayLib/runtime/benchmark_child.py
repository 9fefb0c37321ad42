"""A contender of the benchmark in its own process: ``python -m XRayLib.runtime.benchmark_child KIND PATH THREADS``.

KIND is "bundle" (run as the program runs it) or "graph" (any ONNX file, ONNX Runtime's defaults).
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np


def answer_runs(run: Callable[[], Any], last_words: Callable[[], Mapping[str, Any]] = dict) -> None:
    """Run once per line on stdin and answer with {"seconds"}; at the end {"peak_mb"} and ``last_words``."""
    for _ in sys.stdin:
        started = time.perf_counter()
        run()
        _say({"seconds": time.perf_counter() - started})
    peak = peak_memory_mb()
    _say({"peak_mb": peak, **last_words()})


def peak_memory_mb() -> float:
    """Largest resident memory of this process so far."""
    if sys.platform == "linux":
        # getrusage would count the parent's memory: its peak survives fork and exec.
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6
    try:
        import resource
    except ImportError:  # Windows
        import psutil

        return psutil.Process().memory_info().peak_wset / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def _bundle(path: Path, threads: int) -> None:
    from XRayLib.bundle import compare_with_parity, load_bundle, parity_inputs
    from XRayLib.runtime import SessionOptions, open_session

    bundle = load_bundle(path)
    session = open_session(bundle, "cpu", options=SessionOptions(threads=threads))
    block = bundle.manifest["parity"]
    inputs = parity_inputs(block)
    answer_runs(
        lambda: session.run(inputs),
        lambda: {"parity_error": compare_with_parity(block, session.run(inputs)).error},
    )


def _graph(path: Path, threads: int) -> None:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    random = np.random.default_rng(0)
    inputs = {i.name: random.random(i.shape, dtype=np.float32) for i in session.get_inputs()}
    answer_runs(lambda: session.run(None, inputs))


def _say(message: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    kind, path, threads = sys.argv[1:]
    {"bundle": _bundle, "graph": _graph}[kind](Path(path), int(threads))
