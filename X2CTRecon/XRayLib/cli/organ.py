"""The organ that a command is given: a surface, or one label of a label volume."""

from __future__ import annotations

from pathlib import Path

from XRayLib.case import SurfaceMesh
from XRayLib.errors import InputError


def load_organ(mesh: Path | None, label: str) -> SurfaceMesh | None:
    """The organ in CT RAS from a mesh file, or from ``LABELS[:VALUE]``; None when neither is given.

    The same files give the same surface, so that what was prepared for it is found again.

    Raises
    ------
    InputError
        Both are given, a value is no whole number, or the file's own errors.
    """
    from XRayLib.ct import load_volume
    from XRayLib.mesh import load_mesh, organ_template, surface_template

    if mesh is not None and label:
        raise InputError("Give the organ once: as a mesh or as a label.")
    if mesh is not None:
        return surface_template(load_mesh(mesh))
    if not label:
        return None
    path, value = split_label(label)
    return organ_template(load_volume(path, "label"), value)


def split_label(text: str) -> tuple[Path, int]:
    """File and value of ``LABELS[:VALUE]``; 1 when there is no value."""
    path, colon, value = text.rpartition(":")
    if not colon or "/" in value or "\\" in value or Path(text).exists():
        return Path(text), 1
    if not value.isdigit():
        raise InputError(f"'{value}' is no label: write LABELS:VALUE with a whole number, e.g. labels.nii.gz:5.")
    return Path(path), int(value)
