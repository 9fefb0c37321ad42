"""The command line ``xray3d``; inside Slicer ``PythonSlicer -m XRayLib``. One file per command."""

from __future__ import annotations


def main() -> None:
    """Run the command line; exit codes: 0 ok, 1 failure, 2 bad input, 3 refused by a quality check."""
    from XRayLib.cli.app import app

    app()
