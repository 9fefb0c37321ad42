"""Imports run one way, and opening a module in Slicer loads nothing that may be missing."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SHIPPED = ("X2CTRecon", "XRayRegistration")
STANDARD_IN_SLICER = {"slicer", "vtk", "SimpleITK", "numpy", "scipy", "qt", "ctk"}
OWN = {"XRayLib", "X2CTReconLib", "XRayRegistrationLib"}
GUI = {"slicer", "qt", "ctk", "vtk", "mrml"}


def shipped_files(repository: Path) -> list[Path]:
    return sorted(f for module in SHIPPED for f in (repository / module).rglob("*.py"))


def imports(tree: ast.AST) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def file_scope(tree: ast.Module) -> ast.Module:
    """The statements that run on import: no function bodies, no TYPE_CHECKING blocks."""
    kept: list[ast.stmt] = []
    pending = list(tree.body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.ClassDef | ast.If | ast.Try | ast.With):
            pending += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
            continue
        kept.append(node)
    return ast.Module(kept, [])


def may_use_the_gui(path: Path, repository: Path) -> bool:
    parts = path.relative_to(repository).parts
    is_module_file = len(parts) == 2
    is_panel = parts[1].endswith("Lib") and any(p.startswith(("widget", "panel")) for p in parts[2:])
    return is_module_file or is_panel or parts[:3] == ("X2CTRecon", "XRayLib", "scene")


def test_only_scene_and_panels_import_slicer(repository: Path) -> None:
    allowed_bridges = {"X2CTRecon/XRayLib/jobs/qt_pump.py"}
    breaches = [
        (str(path.relative_to(repository)), sorted(used))
        for path in shipped_files(repository)
        if not may_use_the_gui(path, repository)
        and path.relative_to(repository).as_posix() not in allowed_bridges
        and (used := {name.partition(".")[0] for name in imports(ast.parse(path.read_text()))} & GUI)
    ]
    assert not breaches


def test_the_core_imports_no_method_and_no_module(repository: Path) -> None:
    for path in (repository / "X2CTRecon" / "XRayLib").rglob("*.py"):
        used = {name.partition(".")[0] for name in imports(ast.parse(path.read_text()))}
        assert not used & {"X2CTReconLib", "XRayRegistrationLib", "X2CTRecon", "XRayRegistration"}, path


@pytest.mark.parametrize("lower", ["geometry", "ct", "radiograph", "projector", "metrics", "bundle", "runtime"])
def test_lower_layers_do_not_import_upper_ones(repository: Path, lower: str) -> None:
    upper = {"XRayLib.scene", "XRayLib.cli", "XRayLib.jobs", "XRayLib.report", "XRayLib.registry"}
    for path in (repository / "X2CTRecon" / "XRayLib" / lower).rglob("*.py"):
        used = imports(ast.parse(path.read_text()))
        assert not {u for u in used if any(u == name or u.startswith(name + ".") for name in upper)}, path


@pytest.mark.parametrize("module", SHIPPED)
def test_module_files_import_nothing_that_may_be_missing(repository: Path, module: str) -> None:
    tree = file_scope(ast.parse((repository / module / f"{module}.py").read_text()))
    used = {name.partition(".")[0] for name in imports(tree)}
    assert used <= STANDARD_IN_SLICER | OWN | set(sys.stdlib_module_names)


def test_listing_the_methods_loads_no_heavy_package() -> None:
    heavy = ["torch", "numba", "onnxruntime", "cv2", "SimpleITK", "pydicom", "scipy"]
    code = (
        "import sys\nfrom XRayLib.registry import methods\nassert methods()\n"
        f"print([m for m in {heavy} if m in sys.modules])"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "[]"
