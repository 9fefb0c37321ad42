"""Slicer packages only what the CMake files list: the lists must equal the tree."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

MODULES = ("X2CTRecon", "XRayRegistration")
RESOURCE_SUFFIXES = {".ui", ".svg", ".png", ".txt", ".json", ".xml", ".html", ".npz"}


def listed(cmake: Path, variable: str) -> set[str]:
    text = re.sub(r"#.*", "", cmake.read_text())
    body = re.search(rf"set\({variable}\b(.*?)\)", text, re.DOTALL)
    assert body, f"{cmake} does not set {variable}"
    names = body.group(1).replace("${MODULE_NAME}", cmake.parent.name).split()
    assert len(names) == len(set(names)), f"{variable} lists a file twice"
    return set(names)


def in_tree(module: Path, suffixes: set[str]) -> set[str]:
    files = [f for f in module.rglob("*") if f.suffix in suffixes and "__pycache__" not in f.parts]
    files = [f for f in files if f.name != "CMakeLists.txt"]
    return {f.relative_to(module).as_posix() for f in files if not f.relative_to(module).parts[0].startswith("Testing")}


@pytest.mark.parametrize("name", MODULES)
def test_every_python_file_is_listed(repository: Path, name: str) -> None:
    module = repository / name
    assert listed(module / "CMakeLists.txt", "MODULE_PYTHON_SCRIPTS") == in_tree(module, {".py"})


@pytest.mark.parametrize("name", MODULES)
def test_every_resource_is_listed(repository: Path, name: str) -> None:
    module = repository / name
    assert listed(module / "CMakeLists.txt", "MODULE_PYTHON_RESOURCES") == in_tree(module, RESOURCE_SUFFIXES)


def test_resources_of_the_two_modules_do_not_collide(repository: Path) -> None:
    """Slicer installs the scripted modules' files into one folder."""
    first, second = (in_tree(repository / name, RESOURCE_SUFFIXES | {".py"}) for name in MODULES)
    assert not first & second


@pytest.mark.parametrize("variable", ["EXTENSION_ICONURL", "EXTENSION_SCREENSHOTURLS"])
def test_extension_pictures_exist_in_the_repository(repository: Path, variable: str) -> None:
    text = (repository / "CMakeLists.txt").read_text()
    urls = re.search(rf'set\({variable} "([^"]+)"\)', text)
    assert urls
    for url in urls.group(1).split():
        path = url.partition("/main/")[2]
        assert (repository / path).read_bytes()[:4] == b"\x89PNG", path


def test_repository_top_level_is_as_published(repository: Path) -> None:
    allowed = {
        *("CMakeLists.txt", "X2CTRecon", "XRayRegistration", "Resources", "Testing", "README.md", "models"),
        *("LICENSE.txt", "pyproject.toml", "Makefile", ".ci", ".gitignore"),
    }
    ignored = {".git", ".venv", "build", "checkpoints", ".hypothesis"}
    present = {p.name for p in repository.iterdir() if not p.name.endswith((".egg-info", "_cache"))}
    assert present - ignored == allowed


def test_the_catalog_entry_agrees_with_cmake(repository: Path) -> None:
    entry_path = next((repository / "Resources" / "ExtensionsIndex").glob("*.json"))
    entry = json.loads(entry_path.read_text())
    cmake = (repository / "CMakeLists.txt").read_text()
    assert f"project({entry_path.stem})" in cmake
    assert b"\r" not in entry_path.read_bytes()
    for key, variable in (
        ("category", "EXTENSION_CATEGORY"),
        ("dicom_support_rule", "EXTENSION_DICOM_SUPPORT_RULE"),
        ("tier", "EXTENSION_TIER"),
    ):
        assert f'set({variable} "{entry[key]}")' in cmake


def test_requirements_inside_slicer_equal_the_run_time_dependencies(repository: Path) -> None:
    """Slicer ships the rest itself."""
    shipped_by_slicer = {"numpy", "pillow", "pydicom", "scipy", "SimpleITK"}
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    declared = {line for line in project["dependencies"] if re.split("[<>=]", line)[0] not in shipped_by_slicer}
    text = (repository / "X2CTRecon" / "Resources" / "requirements.txt").read_text()
    assert {line for line in text.splitlines() if line and not line.startswith("#")} == declared
