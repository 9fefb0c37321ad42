"""What a command tells: JSON on stdout for programs, words and a progress bar on stderr for people."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import typer

from XRayLib.errors import CancelledError, InputError, XRay3DError
from XRayLib.registry import Progress

_logger = logging.getLogger(__name__)


class Output:
    """One command's channel to its user."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json

    def say(self, text: str) -> None:
        """A line for people, on stderr."""
        typer.echo(text, err=True)

    def result(self, values: Mapping[str, Any], text: str) -> None:
        """The outcome: the JSON object when asked for, else the text, on stdout."""
        typer.echo(json.dumps(json_ready(values)) if self._as_json else text)

    def failure(self, error: XRay3DError) -> None:
        """The one sentence that says what to do."""
        self.say(f"Error: {error}")
        if self._as_json:
            typer.echo(json.dumps({"error": {"code": error.code, "message": str(error)}}))

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        """A progress callable; draws a bar when stderr is a terminal."""
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
            task = bar.add_task("Starting", total=1.0)
            yield lambda fraction, stage: bar.update(task, completed=fraction, description=stage)


@contextmanager
def reporting(as_json: bool) -> Iterator[Output]:
    """Run a command's body; every failure leaves as one sentence and the right exit code."""
    output = Output(as_json)
    try:
        yield output
    except typer.Exit:
        raise
    except XRay3DError as error:
        output.failure(error)
        raise typer.Exit(error.exit_code) from error
    except KeyboardInterrupt:
        failure = CancelledError("Cancelled.")
        output.failure(failure)
        raise typer.Exit(failure.exit_code) from None
    except (OSError, MemoryError, ArithmeticError, LookupError, TypeError, ValueError, RuntimeError) as error:
        _logger.info("unexpected failure", exc_info=True)
        failure = XRay3DError(
            f"The command failed unexpectedly ({type(error).__name__}: {error}). Run it with --verbose."
        )
        output.failure(failure)
        raise typer.Exit(failure.exit_code) from error


def json_ready(value: Any) -> Any:
    """The value with numpy types, paths and tuples made JSON; not-a-number and infinity become null."""
    if isinstance(value, Mapping):
        return {str(key): json_ready(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return json_ready(value.tolist())
    if isinstance(value, list | tuple):
        return [json_ready(item) for item in value]
    if isinstance(value, np.generic):
        return json_ready(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value


def numbers(text: str, count: int, name: str) -> tuple[float, ...]:
    """``count`` comma-separated numbers, e.g. "256,256"; InputError names the option ``name``."""
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if len(values) != count or not all(math.isfinite(value) for value in values):
        raise InputError(f"{name} takes {count} numbers separated by commas, for example {','.join('0' * count)}.")
    return values


def whole_numbers(text: str, count: int, name: str) -> tuple[int, ...]:
    """As :func:`numbers`, without fractions."""
    values = numbers(text, count, name)
    if not all(value.is_integer() for value in values):
        raise InputError(f"{name} takes whole numbers.")
    return tuple(int(value) for value in values)
