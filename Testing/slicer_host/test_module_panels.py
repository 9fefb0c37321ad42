"""Every .ui file of the extension fits its parameter node and its code; both modules satisfy Slicer's generic test."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from SlicerHost.ui_check import check_module_ui, widgets_without_tooltip

pytestmark = pytest.mark.slicer

MODULES = ("X2CTRecon", "XRayRegistration")


def with_shared_panel_parts(sources: list[Path], repository: Path) -> list[Path]:
    """The files, and the parts of XRayLib/scene/panel that they import directly or by way of others."""
    folder = repository / "X2CTRecon" / "XRayLib" / "scene" / "panel"
    found, pending = [], list(sources)
    while pending:
        path = pending.pop()
        found.append(path)
        parts = re.findall(r"from XRayLib\.scene\.panel\.(\w+) import", path.read_text())
        pending += [folder / f"{part}.py" for part in parts if folder / f"{part}.py" not in [*found, *pending]]
    return found


@pytest.mark.parametrize("name", MODULES)
def test_every_binding_of_the_panel_fits(stand_in, load_module, repository: Path, name: str) -> None:
    load_module(name)
    sources = with_shared_panel_parts(
        [repository / name / f"{name}.py", *(repository / name / f"{name}Lib").rglob("*.py")], repository
    )
    parameter_class = getattr(sys.modules[name], f"{name}ParameterNode")
    problems = check_module_ui(repository / name / "Resources" / "UI" / f"{name}.ui", parameter_class, sources)
    assert problems == []
    assert stand_in.errors.texts == []


@pytest.mark.parametrize("name", MODULES)
def test_everything_the_user_acts_on_has_a_tooltip(repository: Path, name: str) -> None:
    assert widgets_without_tooltip(repository / name / "Resources" / "UI" / f"{name}.ui") == []


@pytest.mark.parametrize("name", MODULES)
def test_slicers_generic_module_test(slicer_host, load_module, name: str) -> None:
    """What ``WITH_GENERIC_TESTS`` runs: texts there, logic and panel stable, the scene can be swapped."""
    import slicer

    module = load_module(name)
    assert module.name == name
    assert module.title and module.categories
    assert module.contributors and not any("template" in text or "PerkLab" in text for text in module.contributors)
    assert module.helpText and "created from a template" not in module.helpText
    assert module.acknowledgementText and "created from a template" not in module.acknowledgementText
    assert not module.icon.isNull()
    assert module.logic() is module.logic()
    panel = module.widgetRepresentation()
    assert panel is module.widgetRepresentation()
    scene = slicer.vtkMRMLScene()
    module.setMRMLScene(scene)
    assert module.mrmlScene() is scene
    module.setMRMLScene(slicer.mrmlScene)
    slicer_host.process_events()


@pytest.mark.parametrize("name", MODULES)
def test_the_panel_lives_through_entering_closing_and_leaving(slicer_host, load_module, name: str) -> None:
    import slicer

    load_module(name)
    slicer_host.finish_startup()
    panel = slicer_host.open_module(name)
    slicer.mrmlScene.Clear()
    slicer_host.leave_module()
    assert slicer_host.open_module(name) is panel
    picture = slicer_host.panel_image(panel, (480, 900))
    assert picture.std() > 5
