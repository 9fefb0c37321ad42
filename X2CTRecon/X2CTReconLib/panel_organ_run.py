"""A mesh method on every frame of a run, one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from slicer.i18n import tr as _
from XRayLib.case import Case, Result
from XRayLib.scene.panel.job_bar import told_to

from X2CTReconLib.panel_frames import RunFrames

Callbacks = Mapping[str, Callable[..., None]]


class OrganRun:
    """One pass over the frames. What is done stays when a later frame fails or the user cancels.

    ``case()`` makes the case of the shown frame, ``run(case, callbacks)`` starts the method on it, and
    ``take(result, seconds, value)`` shows what came of the frame of that index value.
    """

    def __init__(
        self,
        frames: RunFrames,
        case: Callable[[], Case],
        run: Callable[[Case, Callbacks], None],
        take: Callable[[Result, float, str], None],
    ) -> None:
        self._frames = frames
        self._case = case
        self._run = run
        self._take = take
        self._values = frames.values()
        self._seconds: list[float] = []

    @property
    def done(self) -> int:
        """How many frames have been done."""
        return len(self._seconds)

    def start(self, callbacks: Callbacks) -> None:
        """Begin with the first frame; ``callbacks`` as of JobBar.run."""
        self._callbacks = callbacks
        self._next()

    def summary(self) -> str:
        """What came of it, in a sentence or two."""
        text = _("{done} of {frames} frames done.").format(done=self.done, frames=len(self._values))
        if self._seconds:
            text += " " + _("{seconds:.2f} s per frame.").format(seconds=self._seconds_per_frame())
        return text

    def _seconds_per_frame(self) -> float:
        """In the median: the first frame also opens the network."""
        return sorted(self._seconds)[self.done // 2]

    def _next(self) -> None:
        if self.done == len(self._values):
            self._callbacks["on_result"](self)
            return
        index = self.done
        self._frames.show(index)
        stage = _("Frame {number} of {frames}").format(number=index + 1, frames=len(self._values))
        started = time.monotonic()

        def progress(fraction: float, name: str, _remaining_s: float | None = None) -> None:
            left = None if not self._seconds else self._seconds_per_frame() * (len(self._values) - index - fraction)
            self._callbacks["on_progress"]((index + fraction) / len(self._values), f"{stage}: {name}", left)

        on_error = self._callbacks["on_error"]

        def arrived(result: Result) -> None:
            with told_to(on_error):
                self._frames.show(index)  # the user may have looked at another frame meanwhile
                self._take(result, time.monotonic() - started, self._values[index])
                self._seconds.append(time.monotonic() - started)
                self._next()

        self._run(self._case(), {"on_progress": progress, "on_result": arrived, "on_error": on_error})
