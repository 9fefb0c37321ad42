"""PyTorch, for methods that compute gradients."""

from __future__ import annotations

from XRayLib.errors import MissingDependencyError


def require_torch(title: str) -> None:
    """MissingDependencyError, in a sentence that says how to install it, when PyTorch is not there."""
    try:
        import torch  # noqa: F401
    except ImportError:
        raise MissingDependencyError(
            f"{title} needs PyTorch, which is not installed: install it, in Slicer with the PyTorch extension (or "
            "'pip_install(\"torch\")' in the Python console)."
        ) from None
