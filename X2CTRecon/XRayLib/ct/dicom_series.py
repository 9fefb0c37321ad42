"""A CT from DICOM slices, placed by each slice's own position."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from XRayLib.ct.volume import Volume
from XRayLib.errors import InputError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

logger = logging.getLogger(__name__)

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])

UNEVEN_FRACTION = 0.01
"""Slice distances that differ by less than this fraction are one distance."""

LARGEST_GAP = 2.6
"""Up to one slice missing (relative to the usual distance) is bridged by interpolation; more is refused."""


def load_dicom_series(path: Path) -> Volume:
    """The CT of a folder (the series with most slices) or of one multi-frame file, in HU.

    Slices are sorted and placed by Image Position (Patient), so a tilted gantry gives a sheared ijk_to_ras. Uneven
    distances are interpolated to the usual one.
    """
    if path.is_file():
        return _load_multi_frame(path)
    slices = _largest_series(path)
    normal = _slice_normal(slices[0])
    slices = _one_of_each_place(slices, normal)
    if len(slices) < 2:
        raise InputError("The DICOM folder holds a single slice: choose the folder of the whole CT.")
    positions = np.array([_position(s) for s in slices])
    voxels = np.stack([_hounsfield_pixels(s) for s in slices])
    voxels, step = _evenly_spaced(voxels, positions, normal)
    return Volume(voxels, _ijk_to_ras(slices[0], positions[0], step))


def _one_of_each_place(slices: list[Dataset], normal: NDArray[np.float64]) -> list[Dataset]:
    """The slices along the normal, copies left out; InputError when several differing ones lie at one place."""
    depths = np.array([_position(s) @ normal for s in slices])
    order = np.argsort(depths, kind="stable")
    kept = [slices[order[0]]]
    for former, number in pairwise(order):
        if depths[number] - depths[former] > 1e-3:
            kept.append(slices[number])
        elif slices[number].get("PixelData") != kept[-1].get("PixelData"):
            raise InputError(
                "The DICOM series holds several slices at one place, as of phases of breathing or of several "
                "reconstructions: put the slices of one of them into a folder of their own."
            )
    return kept


def _largest_series(folder: Path) -> list[Dataset]:
    series: dict[tuple, list[Dataset]] = defaultdict(list)
    for file in sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "DICOMDIR"):
        dataset = _read_slice(file)
        if dataset is not None:
            orientation = tuple(np.round(np.asarray(dataset.ImageOrientationPatient, float), 3))
            key = (dataset.get("SeriesInstanceUID", ""), orientation, dataset.Rows, dataset.Columns)
            series[key].append(dataset)
    if not series:
        raise InputError(f"The folder {folder.name} holds no DICOM slices with a position: choose a CT series.")
    chosen = max(series.values(), key=len)
    modality = chosen[0].get("Modality", "CT")
    if modality not in ("CT", "OT"):
        raise InputError(f"The DICOM series is of modality {modality}: choose a CT.")
    if len(series) > 1:
        logger.info("Took the DICOM series with most slices (%d) of %d", len(chosen), len(series))
    return chosen


def _read_slice(file: Path) -> Dataset | None:
    """The file as a DICOM slice with a place in the patient, None when it is anything else."""
    import pydicom

    try:
        dataset = pydicom.dcmread(file, defer_size="1 KB")
        placed = (
            len(_position(dataset)),
            len(np.asarray(dataset.ImageOrientationPatient, float)),
            len(np.asarray(dataset.PixelSpacing, float)),
        )
    except Exception:  # damaged headers make pydicom raise nearly anything
        return None
    return dataset if placed == (3, 6, 2) and "Rows" in dataset and "Columns" in dataset else None


def _position(dataset: Dataset) -> NDArray[np.float64]:
    return np.asarray(dataset.ImagePositionPatient, float)


def _slice_normal(dataset: Dataset) -> NDArray[np.float64]:
    along_row, along_column = np.reshape(np.asarray(dataset.ImageOrientationPatient, float), (2, 3))
    return np.cross(along_row, along_column)


def _hounsfield_pixels(dataset: Dataset) -> NDArray[np.float32]:
    try:
        stored = dataset.pixel_array
    except Exception as error:  # a pixel decoder may raise anything on damaged data
        raise InputError(f"A slice of the DICOM series cannot be decoded ({type(error).__name__}).") from error
    slope, intercept = float(dataset.get("RescaleSlope", 1) or 1), float(dataset.get("RescaleIntercept", 0) or 0)
    return stored.astype(np.float32) * np.float32(slope) + np.float32(intercept)


def _evenly_spaced(
    voxels: NDArray[np.float32], positions: NDArray[np.float64], normal: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Voxels on even slice distances, and the step from slice to slice in LPS mm."""
    depths = (positions - positions[0]) @ normal
    gaps = np.diff(depths)
    usual = float(np.median(gaps))
    if gaps.max() > LARGEST_GAP * usual:
        raise InputError(f"The DICOM series lacks slices (a gap of {gaps.max():.1f} mm): export it completely.")
    intervals = len(depths) - 1
    if gaps.max() - gaps.min() > UNEVEN_FRACTION * usual:
        logger.info("Slice distances vary from %.2f to %.2f mm: interpolated", gaps.min(), gaps.max())
        intervals = round(depths[-1] / usual)
        wanted = np.linspace(0.0, depths[-1], intervals + 1)
        below = np.clip(np.searchsorted(depths, wanted, side="right") - 1, 0, len(depths) - 2)
        weight = ((wanted - depths[below]) / gaps[below]).astype(np.float32)[:, None, None]
        voxels = voxels[below] * (1 - weight) + voxels[below + 1] * weight
    return voxels, (positions[-1] - positions[0]) / intervals


def _ijk_to_ras(dataset: Dataset, position: NDArray[np.float64], step: NDArray[np.float64]) -> NDArray[np.float64]:
    along_row, along_column = np.reshape(np.asarray(dataset.ImageOrientationPatient, float), (2, 3))
    row_spacing, column_spacing = (float(s) for s in dataset.PixelSpacing)
    matrix = np.eye(4)
    ijk_to_lps = np.stack([along_row * column_spacing, along_column * row_spacing, step], axis=1)
    matrix[:3, :3] = LPS_TO_RAS @ ijk_to_lps
    matrix[:3, 3] = LPS_TO_RAS @ position
    return matrix


def _load_multi_frame(path: Path) -> Volume:
    """One DICOM file that holds all slices (enhanced CT)."""
    import pydicom

    try:
        dataset = pydicom.dcmread(path)
    except Exception as error:  # damaged headers make pydicom raise nearly anything
        raise InputError(f"{path.name} is no volume that can be read: choose NIfTI, NRRD, MHA or DICOM.") from error
    if int(dataset.get("NumberOfFrames", 1) or 1) < 2 or "PerFrameFunctionalGroupsSequence" not in dataset:
        raise InputError(f"{path.name} is a single DICOM image: choose the folder of the whole CT.")
    frames = [_single_frame(dataset, n) for n in range(int(dataset.NumberOfFrames))]
    normal = _slice_normal(frames[0])
    order = np.argsort([_position(f) @ normal for f in frames], kind="stable")
    stored = _hounsfield_pixels(dataset)
    slopes = np.array([[float(f.RescaleSlope), float(f.RescaleIntercept)] for f in frames], np.float32)
    voxels = (stored * slopes[:, 0, None, None] + slopes[:, 1, None, None])[order]
    positions = np.array([_position(frames[n]) for n in order])
    voxels, step = _evenly_spaced(voxels, positions, normal)
    return Volume(voxels, _ijk_to_ras(frames[order[0]], positions[0], step))


def _single_frame(dataset: Dataset, index: int) -> Dataset:
    """Position, orientation, spacing and rescale of one frame, from its functional groups or the shared ones."""
    from pydicom.dataset import Dataset

    shared: Sequence[Dataset] = dataset.get("SharedFunctionalGroupsSequence") or [Dataset()]
    own = dataset.PerFrameFunctionalGroupsSequence[index]
    frame = Dataset()
    frame.RescaleSlope, frame.RescaleIntercept = 1, 0
    macros = (
        "PlanePositionSequence",
        "PlaneOrientationSequence",
        "PixelMeasuresSequence",
        "PixelValueTransformationSequence",
    )
    for macro in macros:
        for item in own.get(macro) or shared[0].get(macro) or ():
            frame.update(item)
    needed = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
    if not all(name in frame for name in needed):
        raise InputError("The multi-frame DICOM does not say where its slices lie: export the CT as single slices.")
    return frame
