"""Verification runs the parity block here, on each device, and reports instead of raising."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from bundle_folder import make_bundle
from onnx_models import scaling_model
from XRayLib.bundle import Bundle, load_bundle
from XRayLib.errors import InputError
from XRayLib.runtime import verify_bundle


def test_good_bundle_passes(bundle: Bundle) -> None:
    report = verify_bundle(bundle)
    assert report.passed
    cpu = next(c for c in report.checks if c.device == "cpu")
    assert cpu.error is not None and cpu.error < 1e-6
    assert json.loads(json.dumps(report.as_json()))["passed"] is True


def test_graph_that_computes_something_else_fails(tmp_path: Path) -> None:
    bundle = load_bundle(make_bundle(tmp_path, scale=2.0, graph=scaling_model(2.1)))
    report = verify_bundle(bundle, "cpu")
    assert not report.passed
    assert report.checks[0].reason == "The output 'y' differs from the reference."


def test_missing_device_is_a_failed_check(bundle: Bundle) -> None:
    report = verify_bundle(bundle, "coreml" if sys.platform != "darwin" else "directml")
    assert not report.passed
    assert "is not part of the installed ONNX Runtime" in report.checks[0].reason
    with pytest.raises(InputError, match="no device"):
        verify_bundle(bundle, "abacus")


def test_probe_runs_in_a_child_and_finds_the_cpu() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "XRayLib.runtime"], capture_output=True, text=True, check=True, timeout=60
    )
    found = json.loads(done.stdout)
    assert found["devices"]["cpu"] == {"works": True, "reason": ""}
    assert found["best"] in found["devices"]
    assert done.stderr == ""
