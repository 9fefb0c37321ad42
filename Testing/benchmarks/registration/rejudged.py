"""Rows judged anew with the present rule of acceptance, so that it can be fitted after the rows were made."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
from proof_cases import VIEWS, Matrix, ProofCase, nominal_views
from XRayLib.errors import InputError
from XRayRegistrationLib.rigid.confidence import Evidence, judge


def rejudged(row: dict[str, Any]) -> dict[str, Any]:
    """The row with what ``judge`` says now of the evidence it holds; rows that raised stay refused.

    Raises InputError when the row lacks a kind of evidence that the rule reads.
    """
    if "similarity" not in row:
        return row
    held = row["similarity"]
    wanted = {field.name for field in fields(Evidence)} - {"covariance_mm_rad"}
    if missing := wanted - set(held):
        raise InputError(f"{row['key']} holds no {', '.join(sorted(missing))}: run it again.")
    case = ProofCase(**{field.name: row[field.name] for field in fields(ProofCase)})
    axes = _view_axes(case)
    evidence = {name: held[name] for name in wanted}
    quality = judge(Evidence(**evidence, covariance_mm_rad=_covariance(row, axes)), len(VIEWS[case.views]))
    anew = {"accepted": quality.accepted, "confidence": quality.confidence, "reason": quality.reason}
    if "predicted_sd_mm_rad" in row and "covariance_mm_rad" not in row:
        spread = np.diag(axes @ quality.covariance_mm_rad @ axes.T)
        anew["predicted_sd_mm_rad"] = np.sqrt(np.maximum(spread, 0)).tolist()
    return row | anew


def _covariance(row: dict[str, Any], axes: Matrix) -> Matrix:
    """(6, 6) in the world that the rule is given, before its own scale.

    Rows from before the rule had a scale hold only the deviations along the view's axes; the others hold a covariance
    that is scaled already, and keep their deviations. No rule reads it for its verdict.
    """
    deviations = row.get("predicted_sd_mm_rad", [1.0] * 3 + [0.01] * 3)
    return axes.T @ np.diag(np.square(deviations)) @ axes


def _view_axes(case: ProofCase) -> Matrix:
    """(6, 6) orthogonal: world translation and rotation to those along the first view's columns, rows and depth."""
    view = nominal_views(case, np.zeros(3))[0]
    both = np.zeros((6, 6))
    both[:3, :3] = both[3:, 3:] = np.stack([view.column_direction, view.row_direction, view.detector_normal])
    return both
