"""Runs pytest inside a real Slicer.

    Slicer --testing --no-splash --no-main-window --additional-module-paths X2CTRecon XRayRegistration \\
        --python-script Testing/SlicerHost/run_in_slicer.py -- RESULT PYTEST_PATH TEST...

PYTEST_PATH is a folder with pytest (``pip install --target``); RESULT receives pytest's exit code.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main(result: str, pytest_path: str, *tests: str) -> None:
    """Run the tests and write the exit code, which Slicer's own would hide."""
    testing = Path(__file__).resolve().parents[1]
    sys.path[:0] = [
        str(testing),
        pytest_path,
        str(testing.parent / "X2CTRecon"),
        str(testing.parent / "XRayRegistration"),
    ]
    import pytest

    code = pytest.main(["-q", "-rfE", "-p", "no:cacheprovider", "--rootdir", str(testing.parent), *tests])
    Path(result).write_text(str(int(code)))
    import slicer

    slicer.util.exit(int(code))


if __name__ == "__main__":
    main(*sys.argv[1:])
