"""Private folders in which client and worker exchange arrays; none outlives its job, nor a crash."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from pathlib import Path

from XRayLib.jobs.process_tree import is_alive

_PREFIX = "xray3d-jobs-"
_OWNED = re.compile(_PREFIX + r"(\d+)-.+")

_ABANDONED_AFTER_S = 24 * 3600.0
"""Process ids are reused and may belong to another container that shares the folder: only old ones are swept."""

_ATTEMPTS, _BETWEEN_ATTEMPTS_S = 20, 0.1
"""A worker that is being ended may still write into the folder, and another process remove it at the same time."""


class JobFolders:
    """One private folder of this process, with a sub-folder for each job."""

    def __init__(self, parent: Path | None = None) -> None:
        parent = Path(parent or tempfile.gettempdir())
        parent.mkdir(parents=True, exist_ok=True)
        _sweep_abandoned(parent)
        self.root = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent)).resolve()

    def create(self, job_id: str) -> Path:
        """A new folder that only this user can read."""
        folder = self.root / f"job{job_id}"
        folder.mkdir(mode=0o700)
        return folder

    def close(self) -> None:
        """Remove everything."""
        remove_root(self.root)


def remove_folder(folder: Path) -> None:
    """Remove a job's folder with all that is in it."""
    shutil.rmtree(folder, ignore_errors=True)


def remove_root(root: Path) -> None:
    """Remove the folder of a client; anything but such a folder is left alone."""
    if not _OWNED.fullmatch(root.name) or root.is_symlink():
        return
    for _ in range(_ATTEMPTS):
        shutil.rmtree(root, ignore_errors=True)
        if not root.exists():
            return
        time.sleep(_BETWEEN_ATTEMPTS_S)


def _sweep_abandoned(parent: Path) -> None:
    """Remove what clients left that died together with their worker."""
    for folder in parent.glob(f"{_PREFIX}*"):
        owner = _OWNED.fullmatch(folder.name)
        try:
            status = folder.lstat()
            foreign = hasattr(os, "getuid") and status.st_uid != os.getuid()
            old = time.time() - status.st_mtime > _ABANDONED_AFTER_S
            if owner and old and not foreign and not is_alive(int(owner[1])):
                remove_root(folder)
        except OSError:
            continue
