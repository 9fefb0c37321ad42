"""The frame of a run that a reconstruction was computed from: at another frame it says nothing of the film."""

from __future__ import annotations

from typing import Any

from XRayLib.scene.provenance import read_attribute, write_attributes


def set_run_frame(volume: Any, value: str) -> None:
    """Say from the frame of which index value a volume was computed; empty for films of no run."""
    write_attributes(volume, {"RunFrame": value})


def run_frame(volume: Any) -> str:
    """The index value that ``set_run_frame`` was given; empty for other volumes and for None."""
    return "" if volume is None else read_attribute(volume, "RunFrame")
