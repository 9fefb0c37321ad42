"""The X-ray to CT panel, opened with a worker of the test's, and what a user does first."""

from __future__ import annotations

from typing import Any

from modules.films import a_film


def open_reconstruction(slicer_main_window: Any, load_module: Any, client: Any, monkeypatch: Any) -> Any:
    """The panel with one worker, or with what ``client`` makes where the panel may start several."""
    load_module("X2CTRecon")
    make = client if callable(client) else lambda: client
    monkeypatch.setattr("X2CTReconLib.panel.gui_client", make)
    return slicer_main_window.open_module("X2CTRecon")


def add_two_films(widget: Any, names: tuple[str, str] = ("Front", "Side")) -> list[Any]:
    """Frontal and left lateral."""
    from XRayLib.scene.radiograph_nodes import put_radiograph

    nodes = [
        put_radiograph(a_film(angle, view), name)
        for (angle, view), name in zip(((0.0, "PA"), (90.0, "LL")), names, strict=True)
    ]
    for node in nodes:
        widget.panel.addFilm(node)
    return nodes
