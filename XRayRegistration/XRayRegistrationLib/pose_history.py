"""Undo and redo of poses. A drag is one step: poses that follow each other quickly are put together."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Pose = NDArray[np.float64]


class PoseHistory:
    """Steps of (4, 4) poses. ``moved`` while the pose changes, ``settle`` when it has come to rest."""

    def __init__(self, pose: Pose) -> None:
        self.restart(pose)

    def restart(self, pose: Pose) -> None:
        """Forget everything; ``pose`` is where things stand."""
        self._notes: list[tuple[Pose, Any]] = []
        self._resting = self._present = np.array(pose, float)
        self._undone: list[Pose] = []
        self._done: list[Pose] = []

    def moved(self, pose: Pose) -> None:
        """The pose changes."""
        self._present = np.array(pose, float)

    def settle(self) -> None:
        """The pose has come to rest: from where it rested before to here is one step."""
        if not np.allclose(self._resting, self._present, atol=1e-9):
            self._done.append(self._resting)
            self._undone.clear()
            self._resting = self._present

    def annotate(self, note: Any) -> None:
        """What is known of the present pose, to be found again after undo and redo."""
        self._notes.append((self._present, note))

    @property
    def note(self) -> Any:
        """What was last said of the present pose; None when nothing was."""
        return next((n for pose, n in reversed(self._notes) if np.allclose(pose, self._present, atol=1e-9)), None)

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return bool(self._done) or not np.allclose(self._resting, self._present, atol=1e-9)

    @property
    def can_redo(self) -> bool:
        """Whether a step was taken back."""
        return bool(self._undone)

    def undo(self) -> Pose:
        """The pose before the last step."""
        self.settle()
        self._undone.append(self._resting)
        self._resting = self._present = self._done.pop()
        return self._resting

    def redo(self) -> Pose:
        """The pose that was taken back last."""
        self._done.append(self._resting)
        self._resting = self._present = self._undone.pop()
        return self._resting
