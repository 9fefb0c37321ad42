"""The modules' own tests and the panel tests in a real Slicer, when ``SLICER_EXECUTABLE`` names one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

EXECUTABLE = os.environ.get("SLICER_EXECUTABLE", "")
MODULES = ("X2CTRecon", "XRayRegistration")
TIME_LIMIT_S = 1800

pytestmark = [
    pytest.mark.slicer,
    pytest.mark.skipif(not EXECUTABLE, reason="no Slicer: set SLICER_EXECUTABLE to run the tests in it"),
    pytest.mark.skipif("slicer.app" in sys.modules, reason="already inside Slicer"),
]


@pytest.fixture(scope="module")
def pytest_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with this pytest for Slicer's Python: pytest and what it needs are pure Python."""
    import importlib.util

    folder = tmp_path_factory.mktemp("pytest")
    for name in ("pytest", "_pytest", "pluggy", "iniconfig", "packaging", "pygments", "exceptiongroup"):
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            (folder / name).symlink_to(Path(spec.origin).parent)
    return folder


def slicer(repository: Path, *arguments: str, main_window: bool = False) -> subprocess.CompletedProcess[str]:
    window = [] if main_window else ["--no-main-window"]
    paths = [str(repository / name) for name in MODULES]
    command = [EXECUTABLE, "--testing", "--no-splash", *window, "--additional-module-paths", *paths, *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, start_new_session=True, **pipes) as process:
        try:
            out, err = process.communicate(timeout=TIME_LIMIT_S)
        except subprocess.TimeoutExpired:
            kill_tree(process)
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def kill_tree(process: subprocess.Popen[str]) -> None:
    """Slicer is a child of the launcher that was started, and would outlive it."""
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


@pytest.mark.parametrize("name", MODULES)
def test_the_modules_own_tests(repository: Path, name: str) -> None:
    code = f"import slicer.testing; slicer.testing.runUnitTest([{str(repository / name)!r}], {name!r})"
    run = slicer(repository, "--python-code", code)
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-4000:]


@pytest.mark.parametrize("main_window", [False, True], ids=["no-main-window", "main-window"])
def test_the_panel_tests(repository: Path, pytest_path: Path, tmp_path: Path, main_window: bool) -> None:
    script = str(repository / "Testing" / "SlicerHost" / "run_in_slicer.py")
    tests = sorted(str(path) for path in (repository / "Testing").rglob("test_*.py") if uses_the_host(path))
    result = tmp_path / "exit_code"
    run = slicer(repository, "--python-script", script, str(result), str(pytest_path), *tests, main_window=main_window)
    assert result.is_file(), run.stdout[-4000:] + run.stderr[-4000:]
    assert result.read_text() == "0", run.stdout[-8000:]


def uses_the_host(path: Path) -> bool:
    text = path.read_text()
    return path.name != Path(__file__).name and ("slicer_host" in text or "slicer_main_window" in text)
