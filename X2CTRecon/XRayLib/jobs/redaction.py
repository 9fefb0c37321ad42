"""Removing from a technical text what could tell who the patient or the user is."""

from __future__ import annotations

import getpass
import re
from collections.abc import Iterable

from XRayLib.file_name import IMAGE_KINDS, bare_name

_IMAGE = rf"(?:{IMAGE_KINDS}|json|csv|vtp|vtk|stl|ply|obj|mrb|mrml)\b"
_START = r"(?<![^\s\"'=(\[{,:;])"
_QUOTED = re.compile(r"(?P<quote>[\"'])(?P<path>[^\"'\n]*[/\\][^\"'\n]*)(?P=quote)")
_BARE = re.compile(rf"{_START}(?:[A-Za-z]:|~)?[/\\](?:[^\n\"']*[/\\])?[^\s\"']*(?:[^\n\"'/\\]*?\.{_IMAGE})?")
_FILE = re.compile(rf"[^\s\"'/\\]+\.{_IMAGE}", re.IGNORECASE)
_PERSON_NAME = re.compile(r"[^\s\"'=^]+(?:\^[^\s\"'^]*)+")
_SHORTEST_NAME = 3


def names_in_path(path: object) -> set[str]:
    """The file's name and its words, any of which may be a person's."""
    stem = bare_name(path)
    return {word for word in (stem, *re.split(r"[\W_]+", stem)) if len(word) >= _SHORTEST_NAME and not word.isdigit()}


def redact(text: str, concealed: Iterable[str] = ()) -> str:
    """The text without paths, image file names, DICOM person names, the user's name and the ``concealed`` words.

    Of Python source files the last two parts of the path stay.
    """
    text = _QUOTED.sub(lambda match: f'"{_shortened(match["path"])}"', text)
    text = _BARE.sub(lambda match: _shortened(match[0]), text)
    text = _FILE.sub("<file>", text)
    text = _PERSON_NAME.sub("<name>", text)
    words = sorted({*concealed, *_user_name()}, key=len, reverse=True)
    if words:
        text = re.sub(r"(?<!\w)(?:" + "|".join(map(re.escape, words)) + r")(?!\w)", "<name>", text, flags=re.IGNORECASE)
    return text


def _shortened(path: str) -> str:
    parts = re.split(r"[/\\]+", path)
    return "/".join(["<path>", *parts[-2:]]) if parts[-1].endswith(".py") else "<path>"


def _user_name() -> set[str]:
    try:
        name = getpass.getuser()
    except (OSError, KeyError, ImportError):
        return set()
    return {name} if len(name) >= _SHORTEST_NAME and name != "root" else set()
