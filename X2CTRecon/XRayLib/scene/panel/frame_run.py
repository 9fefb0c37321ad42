"""A job on every frame of a run of X-rays, one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _

from XRayLib.scene.panel.frame_chooser import FrameChooser
from XRayLib.scene.panel.job_bar import Callbacks, told_to


class FrameRun:
    """One pass over the frames. What is done stays when a later frame fails or the user cancels.

    ``run(callbacks)`` starts the job of the shown frame; ``take(result, seconds, value)`` shows what came of the frame
    of that index value, which is then shown again.
    """

    def __init__(
        self, frames: FrameChooser, run: Callable[[Callbacks], Any], take: Callable[[Any, float, str], None]
    ) -> None:
        self._frames = frames
        self._run = run
        self._take = take
        self._values = frames.values()
        self._seconds: list[float] = []

    @property
    def done(self) -> int:
        """How many frames have been done."""
        return len(self._seconds)

    @property
    def frames(self) -> int:
        """How many frames there are."""
        return len(self._values)

    @property
    def seconds_per_frame(self) -> float | None:
        """In the median, as the first frame also loads what all need; None before it is done."""
        return sorted(self._seconds)[self.done // 2] if self._seconds else None

    def start(self, callbacks: Callbacks) -> None:
        """Begin with the first frame; ``callbacks`` as of JobBar.run, of which ``on_result`` gets this object."""
        self._callbacks = callbacks
        self._next()

    def _next(self) -> None:
        if self.done == self.frames:
            self._callbacks["on_result"](self)
            return
        index, started = self.done, time.monotonic()
        self._frames.show(index)
        stage = _("Frame {number} of {frames}").format(number=index + 1, frames=self.frames)

        def progress(fraction: float, name: str, _remaining_s: float | None = None) -> None:
            per_frame = self.seconds_per_frame
            left = None if per_frame is None else per_frame * (self.frames - index - fraction)
            self._callbacks["on_progress"]((index + fraction) / self.frames, f"{stage}: {name}", left)

        on_error = self._callbacks["on_error"]

        def arrived(result: Any) -> None:
            with told_to(on_error):
                self._frames.show(index)  # the user may have looked at another frame meanwhile
                self._take(result, time.monotonic() - started, self._values[index])
                self._seconds.append(time.monotonic() - started)
                self._next()

        self._run({"on_progress": progress, "on_result": arrived, "on_error": on_error})
