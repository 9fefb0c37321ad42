"""A training run's recipe as a YAML file: fields of data classes, explained when they are wrong."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from XRayLib.errors import InputError


def read_fields(path: Path, parts: Mapping[str, type], paths: Iterable[str]) -> dict[str, Any]:
    """The file's fields; those in ``parts`` built as their data class, those in ``paths`` relative to its folder.

    $VARIABLES in paths are expanded. InputError names the field or variable that is missing or unknown.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise InputError(f"The recipe {path.name} cannot be read: {error}.") from None
    if not isinstance(content, dict):
        raise InputError(f"The recipe {path.name} must be a list of 'field: value' lines.")
    for name, part in parts.items():
        if name in content:
            content[name] = built(part, content[name], f"{name} of {path.name}")
    for name in paths:
        if content.get(name) is not None:
            content[name] = _path(path.parent, content[name])
    return content


def built(kind: type, content: Mapping[str, Any], where: str) -> Any:
    """The data class from its fields; ``where`` names them in messages."""
    known = {f.name for f in fields(kind)}
    unknown = set(content) - known
    if unknown:
        raise InputError(f"Unknown field(s) in {where}: {', '.join(sorted(unknown))}.")
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in content.items()}
    try:
        return kind(**values)
    except TypeError as error:
        raise InputError(f"Incomplete {where}: {error}.") from None


def _path(folder: Path, text: str) -> Path:
    expanded = os.path.expandvars(text)
    if "$" in expanded:
        raise InputError(f"Set the environment variable in '{text}' before training: it tells where the data is.")
    return (folder / Path(expanded).expanduser()).resolve()
