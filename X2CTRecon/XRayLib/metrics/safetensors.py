"""Read a ``.safetensors`` file: named arrays without code, https://github.com/huggingface/safetensors#format."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from XRayLib.errors import InputError

LARGEST_FILE_BYTES = 512 << 20
_LARGEST_HEADER_BYTES = 1 << 20
_DTYPES = {"F64": np.float64, "F32": np.float32, "F16": np.float16}


def read_safetensors(path: str | Path) -> tuple[dict[str, NDArray[np.float32]], str]:
    """The floating-point arrays of the file by name, as float32, and the SHA-256 of its bytes.

    Raises
    ------
    InputError
        When the file is missing, too large, or not what the format prescribes.
    """
    path = Path(path)
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise InputError(f"{path.name} is too large for a file of weights.")
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"The file of weights {path.name} cannot be read: check its path.") from error
    try:
        arrays = _parse(content)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path.name} is not a safetensors file: export the weights again.") from error
    return arrays, hashlib.sha256(content).hexdigest()


def _parse(content: bytes) -> dict[str, NDArray[np.float32]]:
    header_bytes = int.from_bytes(content[:8], "little")
    if not 2 <= header_bytes <= min(_LARGEST_HEADER_BYTES, len(content) - 8):
        raise ValueError("header length")
    header = json.loads(content[8 : 8 + header_bytes].decode("utf-8"))
    data = memoryview(content)[8 + header_bytes :]
    arrays = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] not in _DTYPES:
            continue
        dtype = np.dtype(_DTYPES[entry["dtype"]]).newbyteorder("<")
        shape = [int(n) for n in entry["shape"]]
        first, last = (int(n) for n in entry["data_offsets"])
        if min(shape, default=1) < 0 or not 0 <= first <= last <= len(data):
            raise ValueError("offsets")
        if last - first != math.prod(shape) * dtype.itemsize:
            raise ValueError("size")
        arrays[name] = np.frombuffer(data[first:last], dtype).reshape(shape).astype(np.float32)
    return arrays
