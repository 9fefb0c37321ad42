"""The card of the present pose, and what the user decides about it: accept, edit, look at a refused one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from slicer.i18n import tr as _
from XRayLib.case import Result
from XRayLib.geometry import XRayGeometry
from XRayLib.scene.matrices import is_rigid
from XRayLib.scene.panel.allowed import allow
from XRayLib.scene.pose_nodes import confirm_pose, pose_record, reopen_pose

from XRayRegistrationLib.panel_case import has_been_placed
from XRayRegistrationLib.panel_deformation import deformation_html
from XRayRegistrationLib.panel_quality import pose_quality_html, record_html, similarity_tip


class PoseDecision:
    """Drives cardLabel, acceptButton, editButton and showAnywayButton."""

    def __init__(
        self,
        ui: Any,
        on_changed: Callable[[], None],
        on_show_anyway: Callable[[Result], None],
        deformation_text: Callable[[], str] = lambda: "",
    ) -> None:
        self.ui = ui
        self._on_changed = on_changed
        self._deformation_text = deformation_text
        self._on_show_anyway = on_show_anyway
        self._node: Any = None
        self._refused: Result | None = None
        ui.acceptButton.connect("clicked(bool)", self.accept)
        ui.editButton.connect("clicked(bool)", self.edit)
        ui.showAnywayButton.connect("clicked(bool)", self.showAnyway)

    def follow(self, parameter_node: Any) -> None:
        """Work on this parameter node, or on none."""
        self._node = parameter_node
        self._refused = None

    @property
    def locked(self) -> bool:
        """Whether the present pose is accepted and must not be moved."""
        record = self._record()
        return record is not None and record.confirmed and not record.moved_since

    def refuse(self, result: Result) -> None:
        """A registration does not stand by its result: say why, move nothing."""
        self._refused = result

    def forgetRefused(self) -> None:
        """Another job starts, or another pose is shown."""
        self._refused = None

    def refresh(self, middle_ct_mm: np.ndarray | None, ct_to_world: np.ndarray, films: Sequence[XRayGeometry]) -> None:
        """Show card and buttons for the present pose."""
        record, locked = self._record(), self.locked
        rigid, ct = is_rigid(ct_to_world), self._node.ctVolume
        carried = ct is not None and self._node.poseTransform is not None
        placed = carried and rigid and (record is not None or has_been_placed(ct))
        self.ui.showAnywayButton.setVisible(self._refused is not None)
        tip = _accept_tip(placed, locked, rigid, record)
        allow(self.ui.acceptButton, placed and not locked, tip, tip)
        allow(self.ui.editButton, locked, _("Nothing is accepted yet."), _("Unlock the accepted pose."))
        text = tip = ""
        if middle_ct_mm is not None:
            if self._refused is not None:
                text = refused_html(self._refused, middle_ct_mm, films)
                tip = similarity_tip(self._refused.pose_quality)
            elif record is not None:
                text = record_html(record, _moved(ct_to_world, middle_ct_mm), films) + self._deformation_text()
                tip = "" if record.quality is None or record.moved_since else similarity_tip(record.quality)
        self.ui.cardLabel.text, self.ui.cardLabel.toolTip = text, tip
        self.ui.cardLabel.setVisible(bool(text))

    def accept(self, _checked: bool = False) -> None:
        """The user stands by the pose as it is: it is locked until Edit."""
        confirm_pose(self._node.poseTransform)
        self._refused = None
        self._on_changed()

    def edit(self, _checked: bool = False) -> None:
        """Unlock the pose."""
        reopen_pose(self._node.poseTransform)
        self._on_changed()

    def showAnyway(self, _checked: bool = False) -> None:
        """Move the CT to the refused pose; it stays marked as refused."""
        result, self._refused = self._refused, None
        self._on_show_anyway(result)

    def _record(self) -> Any:
        return None if self._node is None else pose_record(self._node.poseTransform)


def refused_html(result: Result, middle_ct_mm: np.ndarray, films: Sequence[XRayGeometry]) -> str:
    """The card of a result that was refused, and that nothing was moved."""
    card = pose_quality_html(
        result.pose_quality, _moved(result.ct_to_world, middle_ct_mm), films, result.warnings, refused=True
    )
    if result.deformation is not None:
        card += deformation_html(result.quality)
    return card + "<p>" + _("The CT was not moved.") + "</p>"


def _moved(ct_to_world: np.ndarray, point_mm: np.ndarray) -> np.ndarray:
    return (np.asarray(ct_to_world) @ [*point_mm, 1.0])[:3]


def _accept_tip(placed: bool, locked: bool, rigid: bool, record: Any) -> str:
    if not rigid:
        return _("The transform above the CT scales or shears: use a rigid one.")
    if not placed:
        return _("Register or place the CT first.")
    if locked:
        return _("The pose is accepted.")
    if record is not None and not record.moved_since and record.quality is not None and not record.quality.accepted:
        return _("Accept this pose although the quality check refused it.")
    return _("Stand by this pose: it is marked as accepted and locked until Edit.")
