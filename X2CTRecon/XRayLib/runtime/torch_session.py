"""One bundle running in PyTorch, for graphs that gradients must flow through."""

from __future__ import annotations

import importlib.metadata
import io
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from XRayLib.bundle import Bundle
from XRayLib.bundle.trust import torchscript_is_trusted
from XRayLib.errors import InputError, MissingDependencyError
from XRayLib.runtime.compatibility import release
from XRayLib.runtime.failures import as_project_error, first_line
from XRayLib.runtime.providers import SessionOptions

OLDEST_TORCH = "2.2"


class TorchSession:
    """Runs the bundle's TorchScript. Made by ``open_session(..., gradients=True)``.

    ``module`` is the loaded ``torch.jit.ScriptModule`` in evaluation mode with frozen weights: call it with tensors on
    ``device`` to differentiate through it. ``run`` takes and returns arrays, as ``OnnxSession.run`` does.
    """

    def __init__(self, bundle: Bundle, module: Any, device: str, fallbacks: tuple[str, ...]) -> None:
        self.bundle = bundle
        self.module = module
        self.device = device
        self.provider = "torch-" + device.partition(":")[0]
        self.precision = "fp32"
        self.fallbacks = fallbacks

    def run(
        self, inputs: Mapping[str, NDArray[Any]], *, while_running: Callable[[], None] | None = None
    ) -> dict[str, NDArray[Any]]:
        """Compute all outputs without gradients; inputs and outputs are named in the manifest's order.

        ``while_running`` is called once before the run: TorchScript cannot be interrupted.
        """
        import torch

        names, outputs = list(self.bundle.manifest["inputs"]), list(self.bundle.manifest["outputs"])
        if set(inputs) != set(names):
            raise InputError(f"The model '{self.bundle.title}' takes the inputs {', '.join(names)}.")
        if while_running is not None:
            while_running()
        try:
            with torch.inference_mode():
                found = self.module(*(torch.as_tensor(np.asarray(inputs[n])).to(self.device) for n in names))
        except Exception as error:
            raise as_project_error(error, self.bundle.title, self.device, on_cpu=self.device == "cpu") from error
        found = found if isinstance(found, (tuple, list)) else (found,)
        return {name: tensor.float().cpu().numpy() for name, tensor in zip(outputs, found, strict=True)}


def open_torch_session(bundle: Bundle, device: str, options: SessionOptions) -> TorchSession:
    """Load the bundle's TorchScript: trusted, hashed and with a recent enough torch, or a sentence why not."""
    if not torchscript_is_trusted(bundle):
        raise InputError(
            f"The model '{bundle.title}' contains TorchScript, which is a program, from an unknown source: import it "
            "again and allow TorchScript if you trust it."
        )
    torch = _import_torch(bundle)
    fallbacks: tuple[str, ...] = ()
    place = "cpu"
    if device in ("auto", "cuda"):
        if torch.cuda.is_available():
            place = f"cuda:{options.device_id}"
        elif device == "cuda":
            fallbacks = ("CUDA was not used: the installed PyTorch finds no CUDA device.",)
    elif device != "cpu":
        fallbacks = (f"{device} was not used: gradients are computed with PyTorch on CUDA or the CPU.",)
    if fallbacks and options.strict:
        raise MissingDependencyError(fallbacks[0])
    content = bundle.read("torchscript")
    try:
        module = torch.jit.load(io.BytesIO(content), map_location=place).eval()
    except RuntimeError as error:
        raise InputError(f"The TorchScript of '{bundle.title}' cannot be loaded: {first_line(error)}") from None
    for weight in module.parameters():
        weight.requires_grad_(False)
    return TorchSession(bundle, module, place, fallbacks)


def _import_torch(bundle: Bundle) -> Any:
    needed = max(bundle.manifest["runtime"].get("min_torch", OLDEST_TORCH), OLDEST_TORCH, key=release)
    try:
        installed = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        raise MissingDependencyError(
            f"The model '{bundle.title}' needs PyTorch {needed} or newer, which is not installed: install it, in "
            "Slicer with the PyTorch extension."
        ) from None
    if release(installed) < release(needed):
        raise MissingDependencyError(
            f"The model '{bundle.title}' needs PyTorch {needed} or newer, {installed} is installed: update it."
        )
    import torch

    return torch
