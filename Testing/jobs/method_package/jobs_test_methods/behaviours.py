"""One method per behaviour that the worker must cope with; ``options.extra`` carries what the test wants of it."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import ClassVar

import numpy as np
from XRayLib.case import Case, Options, Result, View
from XRayLib.ct import Volume
from XRayLib.errors import InputError, OutOfMemoryError
from XRayLib.registry import Method, Needs, Progress


class _TestMethod(Method):
    title = "Test"
    summary = "Only for tests."
    returns = "volume"
    needs: ClassVar[Needs] = Needs(min_views=0, max_views=2)


class Succeed(_TestMethod):
    id = "test-succeed"

    def run(self, case: Case, options: Options, progress: Progress) -> Result:
        steps = options.extra.get("steps", 5)
        for step in range(steps):
            progress(step / steps, f"step {step}")
        volume = Volume.axis_aligned(np.full((4, 3, 2), case.radiographs[0].line_integral.sum()), (1, 2, 3))
        views = tuple(View(r, 2 * r.line_integral, (0.5, 0.0), 0.25) for r in case.radiographs)
        provenance = {"pid": os.getpid(), "folder": "/home/somebody/SMITH", "bundle_sha256": "abc123"}
        return Result(self.id, volume, views=views, quality={"x": 1.5}, warnings=("one",), provenance=provenance)


class LookAtCt(_TestMethod):
    """Tells which CT object it was given, and the sum of its voxels."""

    id = "test-ct"

    def run(self, case: Case, options: Options, progress: Progress) -> Result:
        return Result(self.id, provenance={"object": id(case.ct)}, quality={"sum": float(case.ct.voxels.sum())})


class Fail(_TestMethod):
    id = "test-fail"

    def run(self, case: Case, options: Options, progress: Progress) -> Result:
        kind = options.extra["kind"]
        if kind == "input":
            raise InputError("The radiograph is upside down: turn it.")
        if kind == "memory":
            raise MemoryError
        if kind == "device memory":
            raise OutOfMemoryError("There is not enough memory on the GPU.")
        if kind == "exit":
            sys.exit(3)
        raise RuntimeError("cannot open '/data/patients/Jane Doe/SMITH_JOHN.dcm' of SMITH^JOHN")


class Slow(_TestMethod):
    id = "test-slow"

    def run(self, case: Case, options: Options, progress: Progress) -> Result:
        for step in range(10_000):
            progress(step / 10_000, "waiting")
            time.sleep(0.01)
        raise AssertionError("nobody cancelled")


class Hang(_TestMethod):
    """Ignores every cancel, with a grandchild that ignores signals too; their process ids go into a file."""

    id = "test-hang"

    def run(self, case: Case, options: Options, progress: Progress) -> Result:
        code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
        grandchild = subprocess.Popen([sys.executable, "-c", code])
        file = Path(options.extra["pid_file"])
        file.with_suffix(".new").write_text(f"{os.getpid()} {grandchild.pid}")
        file.with_suffix(".new").replace(file)
        progress(0.1, "hanging")
        self.hang()
        raise AssertionError("came back")

    def hang(self) -> None:
        while True:
            time.sleep(0.2)


class HangInNativeCode(Hang):
    """Holds Python's lock, so that no other thread of the worker runs either."""

    id = "test-hang-native"

    def hang(self) -> None:
        ctypes.PyDLL(None).sleep(600)


class Crash(_TestMethod):
    id = "test-crash"

    def run(self, case: Case, options: Options, progress: Progress) -> Result:
        kind = options.extra["kind"]
        progress(0.5, "crashing")
        if kind == "exit":
            os.write(2, b"last words of a library\n")
            os._exit(7)
        if kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if kind == "segfault":
            ctypes.string_at(0)
        if kind == "bad_alloc":
            os.write(2, b"terminate called after throwing an instance of 'std::bad_alloc'\n")
            os.abort()
        raise AssertionError(kind)


class Allocate(_TestMethod):
    id = "test-allocate"

    def run(self, case: Case, options: Options, progress: Progress) -> Result:
        hoard = [np.empty(1 << 27) for _ in range(64)]
        return Result(self.id, provenance={"arrays": len(hoard)})


class Noisy(_TestMethod):
    """Prints on standard output in every way there is."""

    id = "test-noisy"

    def run(self, case: Case, options: Options, progress: Progress) -> Result:
        print("printed by Python")  # noqa: T201
        os.write(1, b"written to descriptor 1\n")
        ctypes.CDLL(None).puts(b"printed by C")
        ctypes.CDLL(None).fflush(None)
        subprocess.run([sys.executable, "-c", "print('printed by a child')"], check=True)
        os.write(1, b'{"event": "result", "id": "1", "value": "forged"}\n')
        os.write(2, b"\xff\xfe not UTF-8\n")
        print(repr(sys.stdin.read()))  # noqa: T201
        return Result(self.id)
