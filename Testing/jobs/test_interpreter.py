"""Which Python the worker gets."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from XRayLib.errors import MissingDependencyError
from XRayLib.jobs.interpreter import find_python, package_folders, worker_environment
from XRayLib.jobs.settings import WorkerSettings


@pytest.fixture
def slicer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Slicer installation's bin folder, not on the path."""
    folder = tmp_path / "Slicer 5.12" / "bin"
    folder.mkdir(parents=True)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("SLICER_HOME", raising=False)
    return folder


def executable(folder: Path, name: str) -> Path:
    file = folder / (name + (".exe" if sys.platform == "win32" else ""))
    file.write_text("")
    file.chmod(0o755)
    return file


def test_elsewhere_it_is_the_running_interpreter(slicer: Path) -> None:
    executable(slicer, "PythonSlicer")
    assert find_python(WorkerSettings()) == Path(sys.executable)


def test_the_settings_win(tmp_path: Path) -> None:
    assert find_python(WorkerSettings(python=tmp_path / "python")) == tmp_path / "python"


@pytest.mark.parametrize("running", ["SlicerApp-real", "python-real"])
def test_inside_slicer_it_is_python_slicer(slicer: Path, monkeypatch: pytest.MonkeyPatch, running: str) -> None:
    expected = executable(slicer, "PythonSlicer")
    monkeypatch.setattr(sys, "executable", str(executable(slicer, running)))
    assert find_python(WorkerSettings()) == expected


def test_on_a_mac_it_lies_beside_the_application(slicer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = executable(slicer, "PythonSlicer")
    application = slicer.parent / "MacOS"
    application.mkdir()
    monkeypatch.setattr(sys, "executable", str(application / "Slicer"))
    assert find_python(WorkerSettings()) == expected


def test_the_path_and_slicers_home_are_searched(slicer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = executable(slicer, "PythonSlicer")
    monkeypatch.setattr(sys, "executable", "")
    with pytest.raises(MissingDependencyError):
        find_python(WorkerSettings())
    monkeypatch.setenv("SLICER_HOME", str(slicer.parent))
    assert find_python(WorkerSettings()) == expected
    monkeypatch.delenv("SLICER_HOME")
    monkeypatch.setenv("PATH", str(slicer))
    assert find_python(WorkerSettings()) == expected


def test_the_worker_finds_our_packages_wherever_they_are_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repository: Path
) -> None:
    installed = tmp_path / "Slicer lib" / "qt-scripted-modules"
    (installed / "some_methods").mkdir(parents=True)
    (installed / "some_methods" / "__init__.py").write_text("raise AssertionError('imported')")
    monkeypatch.syspath_prepend(str(installed))
    monkeypatch.setenv("XRAY3D_METHOD_PACKAGES", "some_methods, not_installed")
    folders = package_folders()
    assert folders[0] == str(repository / "X2CTRecon")
    assert str(repository / "XRayRegistration") in folders
    assert folders[-1] == str(installed)


def test_inherited_paths_come_after_ours(monkeypatch: pytest.MonkeyPatch, repository: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", "/inherited")
    path = worker_environment(WorkerSettings())["PYTHONPATH"].split(os.pathsep)
    assert path[0] == str(repository / "X2CTRecon")
    assert path[-1] == "/inherited"
