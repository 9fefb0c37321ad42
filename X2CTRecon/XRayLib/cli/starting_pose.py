"""What the file of ``--initial`` says of its pose beyond the pose."""

from __future__ import annotations

from pathlib import Path

from XRayLib.cli.output import Output
from XRayLib.errors import InputError


def tell_refused_start(initial: Path | None, out: Output) -> None:
    """A note when the starting pose was refused where it was found: a pose file says so, other files cannot."""
    from XRayLib.pose_file import read_pose_file

    if initial is None:
        return
    try:
        pose = read_pose_file(initial)
    except InputError:
        return
    if pose.accepted is False:
        out.say(f"Note: {initial.name} holds a pose that was refused. {pose.reason}".strip())
