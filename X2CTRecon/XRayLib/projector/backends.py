"""Which implementation computes a projection: compiled CPU code, a CUDA device, or plain numpy."""

from __future__ import annotations

import ctypes
import importlib
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from XRayLib.errors import InputError, MissingDependencyError, OutOfMemoryError
from XRayLib.projector.rays import RayMotion, Rays

Image = NDArray[np.float32]

DEVICES = ("auto", "cpu", "cuda")


class Backend(Protocol):
    """What every implementation offers; ``volume`` is whatever its ``upload`` returned."""

    name: str
    device: str

    def upload(self, voxels: NDArray[np.float32]) -> Any: ...

    def project(self, volume: Any, rays: Rays) -> Image: ...

    def project_with_jacobian(self, volume: Any, rays: Rays, motion: RayMotion) -> tuple[Image, Image]: ...

    def backproject(self, images: Image, rays: Rays, shape_kji: tuple[int, int, int]) -> NDArray[np.float32]: ...


@dataclass(frozen=True)
class BackendStatus:
    """Whether a backend can be used on this computer, and if not why not, in one sentence."""

    name: str
    device: str
    usable: bool
    reason: str = ""


@cache
def projector_backends() -> tuple[BackendStatus, ...]:
    """Every backend, the preferred one of each device first."""
    return (_warp_status(), _numba_status(), BackendStatus("numpy", "cpu", True))


def _numba_status() -> BackendStatus:
    try:
        importlib.import_module("numba")
    except ImportError as error:  # also raised when numba and numpy versions do not fit
        return BackendStatus("numba", "cpu", False, f"The package numba cannot be imported ({error}).")
    return BackendStatus("numba", "cpu", True)


def _has_nvidia_driver() -> bool:
    """Whether CUDA's driver library can be loaded: a cheap test that spares others the import of Warp."""
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


def _warp_status() -> BackendStatus:
    if not _has_nvidia_driver():
        return BackendStatus("warp", "cuda", False, "No NVIDIA graphics driver was found.")
    try:
        warp = quiet_warp()
    except ImportError as error:
        return BackendStatus("warp", "cuda", False, f"The package warp-lang cannot be imported ({error}).")
    if not warp.is_cuda_available():
        return BackendStatus("warp", "cuda", False, "No CUDA device was found.")
    return BackendStatus("warp", "cuda", True)


def quiet_warp() -> Any:
    """The initialised Warp module, told to print warnings only (the setting's name depends on its version)."""
    warp = importlib.import_module("warp")
    if hasattr(warp.config, "log_level"):
        warp.config.log_level = logging.WARNING
    else:
        warp.config.quiet = True
    warp.init()
    return warp


def choose_backend(device: str) -> Backend:
    """The best usable backend of a device; "auto" prefers CUDA.

    Raises
    ------
    InputError
        For a device that is not auto, cpu or cuda.
    MissingDependencyError
        When cuda is asked for and cannot be used; the sentence says why.
    """
    if device not in DEVICES:
        raise InputError(f"The device must be auto, cpu or cuda, not '{device}'.")
    usable = [status for status in projector_backends() if status.usable and device in ("auto", status.device)]
    if not usable:
        reasons = " ".join(status.reason for status in projector_backends() if status.device == device)
        raise MissingDependencyError(f"The projector cannot run on '{device}': {reasons} Use the CPU instead.")
    return _load(usable[0].name)


@cache
def _load(name: str) -> Backend:
    module = importlib.import_module(f"XRayLib.projector.{name}_backend")
    return getattr(module, f"{name.capitalize()}Backend")()


@contextmanager
def memory_errors() -> Iterator[None]:
    """Turn the ways numpy, Warp and torch run out of memory into :class:`OutOfMemoryError`."""
    try:
        yield
    except MemoryError as error:
        raise OutOfMemoryError(
            "The computer has not enough memory for this projection: use a smaller volume."
        ) from error
    except RuntimeError as error:
        if "out of memory" not in str(error).lower() and "failed to allocate" not in str(error).lower():
            raise
        raise OutOfMemoryError(
            "The graphics card has not enough memory for this projection: run it on the CPU or use a smaller volume."
        ) from error
