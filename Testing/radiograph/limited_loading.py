"""Loading files in a child process with memory and time limits, restarted when a file kills it."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

MEMORY_MB = 4096
SECONDS_A_FILE = 20.0


class LimitedLoader:
    """``load(path)`` gives the child's answer as a dict; ``kind`` is "crash" or "timeout" when there was none."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[str] | None = None
        self._answers: queue.Queue[str] = queue.Queue()

    def __enter__(self) -> LimitedLoader:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop()

    def load(self, path: Path) -> dict[str, Any]:
        child = self._running()
        assert child.stdin
        child.stdin.write(f"{path}\n")
        child.stdin.flush()
        try:
            line = self._answers.get(timeout=SECONDS_A_FILE)
        except queue.Empty:
            self._stop()
            return {"kind": "timeout"}
        if not line:
            code = child.wait()
            self._stop()
            return {"kind": "crash", "message": f"exit code {code}"}
        return json.loads(line)

    def load_all(self, paths: Iterable[Path]) -> dict[str, dict[str, Any]]:
        return {path.name: self.load(path) for path in paths}

    def _running(self) -> subprocess.Popen[str]:
        if self._child is None:
            environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
            self._child = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("loading_child.py")), str(MEMORY_MB)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env=environment,
            )
            self._answers = queue.Queue()
            threading.Thread(target=self._read, args=(self._child, self._answers), daemon=True).start()
        return self._child

    @staticmethod
    def _read(child: subprocess.Popen[str], answers: queue.Queue[str]) -> None:
        assert child.stdout
        for line in child.stdout:
            answers.put(line)
        answers.put("")

    def _stop(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            for stream in (self._child.stdin, self._child.stdout):
                if stream:
                    stream.close()
            self._child = None
