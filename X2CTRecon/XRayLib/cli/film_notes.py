"""What a user should know of the films' files before he takes the result for more than it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from XRayLib.cli.output import Output


def tell_unused_frames(views: Sequence[str], out: Output, option: str = "--frame") -> None:
    """A note for each file of ``--view`` of which only the first X-ray is used; ``option`` chooses others."""
    from XRayLib.errors import InputError
    from XRayLib.radiograph import parse_view_argument
    from XRayLib.radiograph.frame_count import frame_count

    for view in views:
        image, _ = parse_view_argument(view)
        try:
            frames = frame_count(image)
        except InputError:  # told where the film is read
            continue
        if frames > 1:
            out.say(f"Note: {image.name} holds {frames} X-rays: the first is used; {option} chooses.")


def tell_shared_geometry(written: Path, out: Output) -> None:
    """A note when a film that was written and another image beside it have one geometry file."""
    from XRayLib.radiograph.save import geometry_file_beside, images_of_the_same_name

    beside = geometry_file_beside(written)
    others = images_of_the_same_name(written) if beside.is_file() else []
    if others:
        names = ", ".join(other.name for other in others)
        out.say(f"Note: {beside.name} gives {written.name} and {names} one geometry: give each film its own name.")
