"""Speed and memory of the X2CT network at its published size: the export beside PyTorch and a plain ONNX export.

Each contender is a process of its own, so that peak memory is its own; they run in turns, so that a busy computer slows
all alike.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from XRayLib.errors import MissingDependencyError, XRay3DError

TRAINING = Path(__file__).resolve().parents[3] / "models" / "training"
ROUNDS = 3
THREADS = 2
VIEWS = {1: "one view", 2: "two views"}
NECESSARY_GFLOP = {1: 119.0, 2: 270.0}
"""Multiplications and additions of the published network whose results are used, each counted once."""
PEERS = {"eager": "PyTorch eager", "plain": "ONNX Runtime, plain export"}


def benchmark() -> Iterator[dict[str, Any]]:
    """One dict per measured pair: median seconds, peak memory of the process, and the difference of the results.

    Keys: bench, case, value, unit, peer, peer_value, ratio (ours / peer), floor, threads, device. The floor of a time
    is that of ``NECESSARY_GFLOP`` at the rate of a large matrix product. Raises MissingDependencyError without PyTorch,
    onnx or the source checkout.
    """
    for package in ("torch", "onnx"):
        if importlib.util.find_spec(package) is None:
            raise MissingDependencyError(f"This benchmark needs the package {package}: install 'xray3d[train]'.")
    if not (TRAINING / "x2ct" / "benchmark_torch.py").is_file():
        raise MissingDependencyError("This benchmark needs a source checkout of XRay3D (models/training).")
    for views in VIEWS:
        with tempfile.TemporaryDirectory(prefix="xray3d-bench-") as folder:
            yield from _published_size(views, Path(folder))


def _published_size(views: int, folder: Path) -> Iterator[dict[str, Any]]:
    _torch_process("write", views, folder).finish()
    child = "XRayLib.runtime.benchmark_child"
    contenders = {
        "ours": _Contender([child, "bundle", str(folder / "published-size"), str(THREADS)]),
        "eager": _torch_process("eager", views, folder),
        "plain": _Contender([child, "graph", str(folder / "plain.onnx"), str(THREADS)]),
    }
    rounds = [{name: contender.run() for name, contender in contenders.items()} for _ in range(ROUNDS + 1)][1:]
    ends = {name: contender.finish() for name, contender in contenders.items()}
    common = {"bench": "x2ct", "threads": THREADS, "device": "cpu"}
    case = f"published size, {VIEWS[views]}"
    floor = NECESSARY_GFLOP[views] / _matrix_product_gflops()
    ours = statistics.median(r["ours"] for r in rounds)
    for name, title in PEERS.items():
        ratio = statistics.median(r["ours"] / r[name] for r in rounds)
        peer = {"peer": title, "peer_value": statistics.median(r[name] for r in rounds), "ratio": ratio}
        yield {**common, "case": case, "value": ours, "unit": "s", **peer, "floor": floor}
        memory = {"value": ends["ours"]["peak_mb"], "unit": "MB", "peer": title, "peer_value": ends[name]["peak_mb"]}
        ratio = memory["value"] / memory["peer_value"]
        yield {**common, "case": f"{case}, peak memory", **memory, "ratio": ratio, "floor": None}
    difference = {"value": ends["ours"]["parity_error"], "unit": "of the output's rms"}
    nothing = {"peer": "PyTorch, published formulation", "peer_value": None, "ratio": None, "floor": None}
    yield {**common, "case": f"{case}, largest difference", **difference, **nothing}


class _Contender:
    """A child process that runs its network once for every line it is sent, and tells seconds."""

    def __init__(self, module_and_arguments: list[str]) -> None:
        paths = [str(TRAINING), str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH", "")]
        self._process = subprocess.Popen(
            [sys.executable, "-m", *module_and_arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        )

    def run(self) -> float:
        """Seconds of one run."""
        with contextlib.suppress(OSError):  # a process that has ended gives no answer, which says more
            self._process.stdin.write("run\n")
            self._process.stdin.flush()
        return self._answer()["seconds"]

    def finish(self) -> dict[str, Any]:
        """Let the process end, and return what it says last."""
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        answer = self._answer()
        self._process.wait()
        self._process.stdout.close()
        return answer

    def _answer(self) -> dict[str, Any]:
        line = self._process.stdout.readline()
        if not line:
            raise XRay3DError("A benchmark process ended early; it may have run out of memory.")
        return json.loads(line)


def _torch_process(kind: str, views: int, folder: Path) -> _Contender:
    return _Contender(["x2ct.benchmark_torch", kind, str(views), str(folder), str(THREADS)])


def _matrix_product_gflops(size: int = 1536) -> float:
    a = np.ones((size, size), np.float32)
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        a @ a
        seconds.append(time.perf_counter() - started)
    return 2e-9 * size**3 / min(seconds)
