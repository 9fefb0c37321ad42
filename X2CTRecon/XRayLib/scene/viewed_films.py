"""Which X-rays have a view of their own, when there are more of them than views; each film keeps the user's choice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from XRayLib.scene.layout import FILM_VIEWS
from XRayLib.scene.provenance import read_json_attribute, write_attributes

MOST = len(FILM_VIEWS)


def viewed_films(films: Sequence[Any]) -> list[Any]:
    """Those that have a view, in their order: all that fit, else the chosen ones, without any choice the first."""
    if len(films) <= MOST:
        return list(films)
    chosen = [film for film in films if read_json_attribute(film, "InView", True)]
    return (chosen or list(films))[:MOST]


def choose_viewed(films: Sequence[Any], film: Any, in_view: bool) -> None:
    """Give a film a view, when all are taken that of the last one, or take its view away unless no other has one."""
    others = [viewed for viewed in viewed_films(films) if viewed.GetID() != film.GetID()]
    chosen = [*others[: MOST - 1], film] if in_view else others or [film]
    ids = {viewed.GetID() for viewed in chosen}
    for each in films:
        write_attributes(each, {"InView": each.GetID() in ids})
