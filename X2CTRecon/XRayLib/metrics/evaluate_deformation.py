"""Every metric of a deformable registration, beside no deformation at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from XRayLib.ct import Volume, resample
from XRayLib.errors import InputError
from XRayLib.metrics.overlap import dice
from XRayLib.metrics.tissues import ORGAN_LABELS
from XRayLib.motion import DisplacementField
from XRayLib.radiograph import Radiograph

Points = NDArray[np.float64]
Mask = NDArray[np.bool_]


def evaluate_deformation(
    reference: DisplacementField | None,
    result: DisplacementField,
    *,
    mask: Volume | None = None,
    landmarks: tuple[Points, Points] | None = None,
    labels: tuple[Volume, Volume] | None = None,
    ct: Volume | None = None,
    held_out: Sequence[Radiograph] = (),
) -> dict[str, Any]:
    """Metrics of a displacement field and of the identity.

    Parameters
    ----------
    reference : the true field, None when only landmarks, labels or held-out views are known.
    mask : where in the deformed anatomy errors count (voxels above 0.5); None for the whole grid of ``result``.
    landmarks : the same points (N, 3) in the deformed anatomy and in the CT, RAS mm.
    labels : organ labels (tissues.ORGAN_LABELS) of the deformed anatomy and of the CT.
    ct, held_out : CT in HU and views that the registration has not seen.

    Returns
    -------
    dict
        ``result`` and ``baselines`` (identity), each with, as far as they can be known, tre_mm, tre_p95_mm, tre_max_mm
        (of the field), landmark_tre_mm and landmark_tre_p95_mm, dice (by organ) and held_out_ncc (per view); the result
        also with folding_fraction, jacobian_min, jacobian_max; ``coverage``: share of the masked voxels where the
        reference is known.
    """
    if reference is None and landmarks is None and labels is None and not held_out:
        raise InputError("A deformation is judged by a true field, landmarks, labels or held-out views: give one.")
    if held_out and ct is None:
        raise InputError("Held-out views are compared with the deformed CT: give the CT.")
    counted = _counted(mask, result)
    identity = DisplacementField(np.zeros_like(result.vectors_mm), result.ijk_to_ras)
    determinants = result.jacobian_determinants()[counted]
    values: dict[str, Any] = {
        "result": {
            "folding_fraction": float(np.mean(determinants <= 0)),
            "jacobian_min": float(determinants.min()),
            "jacobian_max": float(determinants.max()),
        },
        "baselines": {"identity": {}},
    }
    for place, field in ((values["result"], result), (values["baselines"]["identity"], identity)):
        if reference is not None:
            errors, values["coverage"] = _field_errors(reference, field, counted)
            place |= _named("tre", errors)
        if landmarks is not None:
            place |= _named("landmark_tre", _landmark_errors(field, *landmarks))
        if labels is not None:
            place["dice"] = _label_dice(field, *labels)
        if held_out and ct is not None:
            place["held_out_ncc"] = _held_out_ncc(field, ct, held_out)
    return values


def normalized_cross_correlation(
    first: NDArray[np.floating], second: NDArray[np.floating], mask: Mask | None = None
) -> float:
    """Pearson correlation of two images under the mask, -1..1; not a number when one is constant."""
    use = np.ones(first.shape, bool) if mask is None else mask
    a, b = (np.asarray(image, np.float64)[use] for image in (first, second))
    a, b = a - a.mean(), b - b.mean()
    norm = np.linalg.norm(a) * np.linalg.norm(b)
    return float(a @ b / norm) if norm > 0 else float("nan")


def _counted(mask: Volume | None, field: DisplacementField) -> Mask:
    shape = field.vectors_mm.shape[:3]
    if mask is None:
        return np.ones(shape, bool)
    counted = resample(Volume(mask.voxels, mask.ijk_to_ras, "label"), shape, field.ijk_to_ras).voxels > 0.5
    if not counted.any():
        raise InputError("The mask does not overlap the displacement field: both must be in the same RAS frame.")
    return counted


def _field_errors(
    reference: DisplacementField, field: DisplacementField, counted: Mask
) -> tuple[NDArray[np.float64], float]:
    true = reference.at(field.voxel_points()[counted])
    known = np.isfinite(true).all(axis=1)
    if not known.any():
        raise InputError("The two displacement fields do not overlap: both must be in the same RAS frame.")
    errors = np.linalg.norm(field.vectors_mm[counted][known] - true[known], axis=1)
    return errors, float(known.mean())


def _landmark_errors(field: DisplacementField, deformed: Points, in_ct: Points) -> NDArray[np.float64]:
    deformed, in_ct = np.asarray(deformed, float), np.asarray(in_ct, float)
    if deformed.shape != in_ct.shape or deformed.ndim != 2 or deformed.shape[1] != 3:
        raise InputError("Landmarks must be as many points in the deformed anatomy as in the CT, RAS mm.")
    displacement = field.at(deformed)
    if np.isnan(displacement).any():
        raise InputError("A landmark lies outside of the displacement field.")
    return np.linalg.norm(deformed + displacement - in_ct, axis=1)


def _label_dice(field: DisplacementField, deformed: Volume, in_ct: Volume) -> dict[str, float]:
    """On the grid of the labels, which are finer than fields; the field is extended beyond its own."""
    true = deformed.voxels
    warped = field.on_grid(true.shape, deformed.ijk_to_ras).warp(Volume(in_ct.voxels, in_ct.ijk_to_ras, "label")).voxels
    return {
        name: dice(np.isin(true, numbers), np.isin(warped, numbers))
        for name, numbers in ORGAN_LABELS.items()
        if np.isin(true, numbers).any()
    }


def _held_out_ncc(field: DisplacementField, ct: Volume, held_out: Sequence[Radiograph]) -> list[float]:
    from XRayLib.reprojection import reproject

    views = reproject(field.warp(ct), tuple(held_out))
    return [
        normalized_cross_correlation(view.radiograph.line_integral, view.reprojection, view.radiograph.mask)
        for view in views
    ]


def _named(name: str, errors_mm: NDArray[np.float64]) -> dict[str, float]:
    return {
        f"{name}_mm": float(errors_mm.mean()),
        f"{name}_p95_mm": float(np.percentile(errors_mm, 95)),
        f"{name}_max_mm": float(errors_mm.max()),
    }
