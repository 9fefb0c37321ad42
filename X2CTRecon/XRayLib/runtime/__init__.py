"""Run a bundle: ONNX Runtime on the device that really works, PyTorch where gradients are needed."""

from XRayLib.runtime.onnx_session import OnnxSession
from XRayLib.runtime.probe import probe_devices
from XRayLib.runtime.providers import DEVICES, SessionOptions
from XRayLib.runtime.session import Session, open_session
from XRayLib.runtime.torch_session import TorchSession
from XRayLib.runtime.verify import VerifyReport, verify_bundle

__all__ = [
    "DEVICES",
    "OnnxSession",
    "Session",
    "SessionOptions",
    "TorchSession",
    "VerifyReport",
    "open_session",
    "probe_devices",
    "verify_bundle",
]
