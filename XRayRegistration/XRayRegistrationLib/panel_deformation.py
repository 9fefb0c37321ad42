"""The deformation of the CT: what hangs under it, whether it is shown, and what is said of it."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

import slicer
from slicer.i18n import tr as _
from XRayLib.case import Result
from XRayLib.scene.deformation_nodes import (
    NOT_DEFORMED,
    deformation_quality,
    put_deformation,
    result_of_deformation,
)
from XRayLib.scene.deformation_sequence import store_deformation
from XRayLib.scene.panel.allowed import allow
from XRayLib.scene.panel.frame_chooser import FrameChooser
from XRayLib.scene.pose_sequence import pose_sequence


def carrier(node: Any) -> Any:
    """The transform that the CT and what moves with it are under: the deformation when shown, else the pose."""
    return node.deformation if node.showDeformed and node.deformation is not None else node.poseTransform


class DeformationSwitch:
    """Drives deformedCheckBox; the parameter node keeps the deformation and whether it is shown.

    Where each frame of ``frames`` has a pose of its own, it has a deformation of its own.
    """

    def __init__(self, ui: Any, frames: FrameChooser) -> None:
        self.ui = ui
        self._frames = frames
        self._node: Any = None

    def follow(self, parameter_node: Any) -> None:
        """Work on this parameter node, or on none."""
        self._node = parameter_node

    def refresh(self) -> None:
        """Enable the switch, and put everything under the deformation or back under the pose alone."""
        node, box = self._node, self.ui.deformedCheckBox
        exists = node.deformation is not None and node.poseTransform is not None
        tip = _("Deform the CT and what moves with it as registered; off: the pose alone.")
        allow(box, exists, _("Register with a deformable method first."), tip)
        if exists:
            node.deformation.SetAndObserveTransformNodeID(node.poseTransform.GetID())
            wanted = carrier(node)
            other = node.poseTransform if wanted is node.deformation else node.deformation
            _move_children(other, wanted, node)

    def take(self, result: Result) -> None:
        """The deformation of a registration; one without leaves the CT as the pose alone puts it."""
        node = self._node
        if result.deformation is not None:
            self._put(result, node.deformation)
            node.showDeformed = True
        elif self._is_per_frame:
            self._put(NOT_DEFORMED, node.deformation)
        else:
            node.showDeformed = False
        self.refresh()

    def state(self) -> tuple[Any, Result | None, bool]:
        """Node, deformation and whether it is shown, as of now: ``restore`` brings them back."""
        node = self._node.deformation
        return node, None if node is None else result_of_deformation(node), self._node.showDeformed

    def restore(self, state: tuple[Any, Result | None, bool]) -> None:
        """The deformation of then: as it was, or none."""
        node, (deformation, result, shown) = self._node, state
        if result is None and self._is_per_frame:
            result = NOT_DEFORMED
        if result is None:
            node.showDeformed = False
            self.refresh()  # takes all from under it
            node.deformation = None
            return
        deformation = deformation or node.deformation
        in_scene = deformation is not None and deformation.GetScene() is not None
        self._put(result, deformation if in_scene else None)
        node.showDeformed = shown
        self.refresh()

    def _put(self, result: Result, deformation: Any) -> None:
        """Write it into that node, or a new one, and into the shown frame where each has its own."""
        node, frames = self._node, self._frames
        node.deformation = put_deformation(result, node.poseTransform, _name(node), deformation)
        if pose_sequence(frames.browser, node.poseTransform) is not None:
            store_deformation(frames.browser, node.deformation, frames.value, frames.values())

    @property
    def _is_per_frame(self) -> bool:
        browser, deformation = self._frames.browser, self._node.deformation
        return browser is not None and deformation is not None and browser.GetSequenceNode(deformation) is not None

    @property
    def text(self) -> str:
        """What the card says of the deformation that is shown; empty when none is."""
        node = self._node
        if node is None or carrier(node) is not node.deformation:
            return ""
        return deformation_html(deformation_quality(node.deformation))


def deformation_html(values: Mapping[str, float]) -> str:
    """How far the CT was deformed, whether it folds, how sure its points are, and what held-out views say."""
    if "folding_fraction" not in values:
        return ""
    moved, percent = values.get("displacement_p95_mm", 0.0), 100 * values["folding_fraction"]
    far = _("95 % of the CT moved by less than {mm:.1f} mm.").format(mm=moved)
    folds = _("{percent:.2f} % of it folds: do not use it.").format(percent=percent)
    lines = [far if moved >= 0.05 else _("The X-rays do not call for a deformation.")]
    lines.append(folds if percent else _("Nothing folds."))
    if "deviation_median_mm" in values:
        lines.append(
            _("Points: \N{PLUS-MINUS SIGN}{mm:.1f} mm (median), up to {most:.1f} mm.").format(
                mm=values["deviation_median_mm"], most=values["deviation_p95_mm"]
            )
        )
    if "held_out_similarity" in values:
        lines.append(
            _("X-rays left out: similarity {value:.3f}, rigid {rigid:.3f}.").format(
                value=values["held_out_similarity"], rigid=values["held_out_similarity_rigid"]
            )
        )
    return f"<p><b>{html.escape(_('Deformation.'))}</b> {html.escape(' '.join(lines))}</p>"


def _name(node: Any) -> str:
    return node.ctVolume.GetName() + " deformation"


def _move_children(source: Any, target: Any, node: Any) -> None:
    """Everything under one transform node under another, but for the deformation and what tells of it."""
    for index in range(slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLTransformableNode")):
        child = slicer.mrmlScene.GetNthNodeByClass(index, "vtkMRMLTransformableNode")
        stays = child is node.deformation or child is node.poseTransform or _is_uncertainty(child)
        if not stays and child.GetTransformNodeID() == source.GetID():
            child.SetAndObserveTransformNodeID(target.GetID())


def _is_uncertainty(node: Any) -> bool:
    from XRayLib.scene.provenance import read_attribute

    return read_attribute(node, "Kind") == "uncertainty"
