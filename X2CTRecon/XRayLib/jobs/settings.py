"""How the worker process is started and treated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class WorkerSettings:
    """All have working defaults.

    Parameters
    ----------
    python : Path or None
        The interpreter; None finds PythonSlicer inside Slicer and takes the running interpreter elsewhere.
    threads : int or None
        Threads of the numeric libraries; None leaves it to each library and to the environment.
    memory_limit_bytes : int or None
        Address space the worker may use (Linux) or memory it may commit (Windows). CUDA reserves far more addresses
        than it uses: leave None for work on a GPU.
    temporary_folder : Path or None
        Where private job folders are made; None for the system's.
    cancel_grace_s : float
        How long a cancelled job may take to stop by itself before its process tree is killed.
    start_timeout_s : float
        How long the worker may take to answer after its start.
    environment : mapping
        Further environment variables of the worker.
    """

    python: Path | None = None
    threads: int | None = None
    memory_limit_bytes: int | None = None
    temporary_folder: Path | None = None
    cancel_grace_s: float = 3.0
    start_timeout_s: float = 60.0
    environment: Mapping[str, str] = field(default_factory=dict)
