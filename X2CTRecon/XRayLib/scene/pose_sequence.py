"""One pose per frame: a sequence of transforms whose proxy is the transform that moves the CT."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from XRayLib.case import Result
from XRayLib.jobs.array_files import json_ready
from XRayLib.jobs.pose_documents import pose_quality_document
from XRayLib.scene.film_run import new_frame_sequence, show_through
from XRayLib.scene.pose_nodes import STATEMENT, PoseRecord, pose_matrix, pose_record, set_pose_attributes
from XRayLib.scene.provenance import PREFIX, write_attributes


def pose_sequence(browser: Any, transform: Any) -> Any:
    """The sequence of a transform in a browser; None when there is none."""
    return None if browser is None or transform is None else browser.GetSequenceNode(transform)


def add_pose_sequence(browser: Any, transform: Any, first_value: str = "1") -> Any:
    """The transform gets a pose of its own at every frame of the browser; what the user changes is kept per frame.

    An empty browser gets the sequence as its master, with the transform as it is at ``first_value``.
    """
    sequence = pose_sequence(browser, transform)
    if sequence is None:
        sequence = new_frame_sequence(transform.GetName() + " per frame")
        if browser.GetMasterSequenceNode() is None:
            sequence.SetDataNodeAtValue(transform, first_value)
        show_through(browser, sequence, transform)
        browser.SetSaveChanges(sequence, True)
    return sequence


def open_pose(browser: Any, transform: Any, value: str) -> None:
    """The browser shows the frame of that value, and changes of the transform go to its pose.

    A frame without a pose gets a copy of the present one that says nothing about itself.
    """
    sequence = pose_sequence(browser, transform)
    if sequence is None:
        return
    is_new = sequence.GetItemNumberFromIndexValue(value) < 0
    if is_new:
        sequence.SetDataNodeAtValue(transform, value)
    browser.SetSelectedItemNumber(browser.GetMasterSequenceNode().GetItemNumberFromIndexValue(value))
    if is_new:
        set_pose_attributes(transform, {})
        store_pose(sequence, transform, value)


def store_pose(sequence: Any, transform: Any, value: str) -> None:
    """The transform as it is now becomes the pose of that frame."""
    sequence.SetDataNodeAtValue(transform, value)


def mark_refused(result: Result, transform: Any) -> None:
    """The frame's registration was refused: the transform keeps its matrix and says why."""
    quality = None
    if result.pose_quality is not None:
        quality = json_ready(
            pose_quality_document(replace(result.pose_quality, covariance_mm_rad=np.zeros((6, 6)), accepted=False))
        )
    write_attributes(
        transform,
        {
            "Kind": "pose",
            "Method": result.method,
            "Quality": quality,
            "Provenance": json_ready(result.provenance),
            "Warnings": ["The pose shown was not found on this frame: its registration was refused."],
            "Statement": STATEMENT,
            "RegisteredMatrix": pose_matrix(transform).tolist(),
            "ConfirmedByUser": False,
        },
    )
    transform.RemoveAttribute(PREFIX + "Films")  # those of the frame before


def records(sequence: Any) -> dict[str, PoseRecord | None]:
    """What the pose of each frame says about itself, by the frame's value."""
    if sequence is None:
        return {}
    return {
        sequence.GetNthIndexValue(index): pose_record(sequence.GetNthDataNode(index))
        for index in range(sequence.GetNumberOfDataNodes())
    }
