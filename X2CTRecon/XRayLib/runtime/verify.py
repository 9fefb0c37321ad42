"""``Verify model on this computer``: the parity block on every device."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

from XRayLib.bundle import Bundle, compare_with_parity, parity_inputs
from XRayLib.errors import XRay3DError
from XRayLib.runtime.providers import SessionOptions, candidates, import_onnxruntime
from XRayLib.runtime.session import open_session


@dataclass(frozen=True)
class DeviceCheck:
    """One device: ``error`` and ``tolerance`` are fractions of the output's rms, ``reason`` is empty when it passed."""

    device: str
    passed: bool
    reason: str = ""
    precision: str = ""
    error: float | None = None
    tolerance: float | None = None
    load_seconds: float | None = None
    run_seconds: float | None = None


@dataclass(frozen=True)
class VerifyReport:
    """All checked devices of one bundle on this computer."""

    bundle: str
    version: str
    sha256: str
    onnxruntime: str
    checks: tuple[DeviceCheck, ...]

    @property
    def passed(self) -> bool:
        """Whether the model can be used here: at least one device was checked and the CPU, if checked, agrees."""
        required = [c for c in self.checks if c.device == "cpu"] or self.checks
        return bool(required) and all(c.passed for c in required)

    def as_json(self) -> dict[str, Any]:
        """The report as JSON values."""
        return {**asdict(self), "checks": [asdict(c) for c in self.checks], "passed": self.passed}


def verify_bundle(bundle: Bundle, device: str = "auto", *, options: SessionOptions | None = None) -> VerifyReport:
    """Run the parity block on this computer: on every installed provider ("auto") or on the named device.

    Failures are part of the report; only an unknown device or a missing ONNX Runtime raises.
    """
    options = options or SessionOptions()
    ort = import_onnxruntime()
    providers, missing = candidates(device, options, ort.get_available_providers())
    if device == "auto":
        checks = [_check(bundle, provider.device, options) for provider in providers]
    else:
        checks = [DeviceCheck(device, False, missing[0])] if missing else [_check(bundle, device, options)]
    return VerifyReport(bundle.id, bundle.version, bundle.sha256, ort.__version__, tuple(checks))


def _check(bundle: Bundle, device: str, options: SessionOptions) -> DeviceCheck:
    strict = SessionOptions(**{**asdict(options), "strict": True})
    block = bundle.manifest["parity"]
    started = time.perf_counter()
    try:
        session = open_session(bundle, device, options=strict)
        loaded = time.perf_counter()
        outputs = session.run(parity_inputs(block))
    except XRay3DError as error:
        return DeviceCheck(device, False, str(error))
    ended = time.perf_counter()
    report = compare_with_parity(block, outputs, session.precision)
    reason = "" if report.passed else f"The output '{report.worst_output}' differs from the reference."
    return DeviceCheck(
        device,
        report.passed,
        reason,
        session.precision,
        report.error,
        report.tolerance,
        loaded - started,
        ended - loaded,
    )
