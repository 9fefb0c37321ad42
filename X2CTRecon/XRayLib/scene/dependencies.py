"""The Python packages the worker needs, checked without importing them and installed only when the user agrees."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path


def requirements_file() -> Path:
    """Resources/requirements.txt of the X2CTRecon module, which owns the shared library."""
    return Path(__file__).resolve().parents[2] / "Resources" / "requirements.txt"


def requirements() -> list[str]:
    """The requirement lines, without comments."""
    lines = (line.strip() for line in requirements_file().read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def missing_requirements() -> list[str]:
    """Names of the packages that are absent or too old in Slicer's Python; looks at metadata, imports nothing."""
    from packaging.requirements import Requirement

    missing = []
    for line in requirements():
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        try:
            fits = requirement.specifier.contains(_version_of(requirement.name), prereleases=True)
        except metadata.PackageNotFoundError:
            fits = False
        if not fits:
            missing.append(requirement.name)
    return missing


_ALTERNATIVES = {"onnxruntime": ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml")}
"""Distributions that provide the same import package: any of them will do."""


def _version_of(name: str) -> str:
    for alternative in _ALTERNATIVES.get(name, (name,)):
        try:
            return metadata.version(alternative)
        except metadata.PackageNotFoundError:
            continue
    raise metadata.PackageNotFoundError(name)


def install_missing() -> None:
    """Ask the user, then install with Slicer's own installer (5.12: slicer.packaging, before: slicer.util.pip_install).

    Raises RuntimeError when the user declines.
    """
    import slicer

    missing = set(missing_requirements())
    wanted = [line for line in requirements() if line.replace(">", " ").replace("=", " ").split()[0] in missing]
    if not wanted:
        return
    try:
        import slicer.packaging as packaging
    except ImportError:
        from slicer.i18n import tr as _

        question = _("XRay3D needs these Python packages: {names}. Install them now?").format(names=", ".join(missing))
        if not slicer.util.confirmOkCancelDisplay(question):
            raise RuntimeError("the installation was declined") from None
        slicer.util.pip_install(" ".join(wanted))
        return
    packaging.pip_ensure(wanted, requester="XRay3D", skip_in_testing=False)
