"""Slicer has ONNX Runtime, and PyTorch only where the user installed it: what is prepared runs without."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CODE = """
import sys

class WithoutPyTorch:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "monai", "lightning"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, WithoutPyTorch())
import X2CTReconLib.mesh_preparation.mesh_model
import X2CTReconLib.mesh_preparation.combine
import X2CTReconLib.mesh_preparation.refinement
import XRayRegistrationLib.displacement.prediction
"""


def test_what_runs_a_prepared_network_imports_no_pytorch(repository: Path) -> None:
    path = os.pathsep.join(str(repository / name) for name in ("X2CTRecon", "XRayRegistration"))
    run = subprocess.run(
        [sys.executable, "-c", CODE],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
