"""Where the extension's shared data (model bundles, sample data) lie: in the source tree, or installed in Slicer."""

from __future__ import annotations

from pathlib import Path

from XRayLib.errors import MissingDependencyError

_PACKAGES = Path(__file__).resolve().parents[1]
_SOURCE_TREE = {"models": "models", "SampleData": "Resources/SampleData"}


def shared_folder(name: str) -> Path:
    """The folder "models" or "SampleData" of this installation.

    Slicer's build and package put it into ``XRay3DShared`` beside the Python packages (top-level CMakeLists.txt); in a
    source checkout it is the repository's own.
    """
    candidates = (_PACKAGES / "XRay3DShared" / name, _PACKAGES.parent / _SOURCE_TREE[name])
    for folder in candidates:
        if folder.is_dir():
            return folder
    raise MissingDependencyError(f"The folder '{name}' of XRay3D is missing: reinstall the extension.")
