"""``slicer.packaging``: looks up what is installed, never installs, remembers what was asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement


@dataclass
class Requests:
    """What modules asked for since the last ``clear``."""

    ensured: list[tuple[list[str], str]] = field(default_factory=list)
    installed: list[str] = field(default_factory=list)
    answer: bool = True
    """Whether the user agrees when asked to install."""


requests = Requests()


def load_requirements(path: str | Path) -> list[Requirement]:
    """The requirements of a requirements.txt; comments and options are left out."""
    lines = (line.partition("#")[0].strip() for line in Path(path).read_text().splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("-")]


def pip_check(requirements: Any) -> bool:
    """Whether every requirement is installed in a fitting version."""
    return not _missing(requirements)


def _as_list(requirements: Any) -> list[Requirement]:
    if isinstance(requirements, str | Requirement):
        requirements = [requirements]
    return [r if isinstance(r, Requirement) else Requirement(r) for r in requirements]


def _missing(requirements: Any) -> list[Requirement]:
    missing = []
    for requirement in _as_list(requirements):
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            missing.append(requirement)
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            missing.append(requirement)
    return missing


def pip_ensure(
    requirements: Any,
    constraints: Any = None,
    *,
    skip_packages: Iterable[str] = (),
    prompt_install: bool = True,
    prompt_restart: bool = True,
    requester: str = "",
    skip_in_testing: bool = True,
    show_progress: bool = True,
) -> None:
    """Record the request; in testing nothing more happens. RuntimeError when the user would decline."""
    del constraints, skip_packages, prompt_restart, show_progress
    import slicer

    requests.ensured.append(([str(r) for r in _as_list(requirements)], requester))
    if skip_in_testing and slicer.app.testingEnabled():
        return
    missing = _missing(requirements)
    if missing and prompt_install and not requests.answer:
        raise RuntimeError(f"Installation of {[str(r) for r in missing]} was declined")
    requests.installed += [str(r) for r in missing]


def pip_install(requirements: Any, **_options: Any) -> None:
    """Record the request."""
    requests.installed += [requirements] if isinstance(requirements, str) else [str(r) for r in requirements]


def isPipInstallInProgress() -> bool:
    """Nothing is ever being installed."""
    return False
