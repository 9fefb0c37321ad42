"""The patient without the scanner's table: X-ray rooms have none behind the patient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from XRayLib.ct.blocks import block_mean, interpolated_from_blocks
from XRayLib.ct.resample import resample, resample_isotropic
from XRayLib.ct.volume import Volume
from XRayLib.errors import InputError

if TYPE_CHECKING:
    import SimpleITK as sitk

TISSUE_HU = -300.0
"""Skin and fat are above; air, mattress and blankets below."""

WORKING_SPACING_MM = 3.0
TABLE_SHELL_MM = 9.0
"""A table is a shell thinner than this where it touches the patient; an opening with it cuts the contact."""

SKIN_MARGIN_MM = 4.0
ARM_FRACTION = 0.003
"""Parts apart from the trunk (arms) are kept when they hold at least this fraction of its volume."""


def remove_table(volume: Volume) -> Volume:
    """The CT in HU with everything outside the patient's skin set to air (-1000), at the same grid."""
    inside = body_mask(volume)
    return Volume(np.where(inside, volume.voxels, np.float32(-1000.0)), volume.ijk_to_ras, volume.quantity)


def body_mask(volume: Volume) -> NDArray[np.bool_]:
    """(k, j, i) mask of the patient, lungs and bowel gas included, from a CT in HU."""
    blocks = block_mean(volume, WORKING_SPACING_MM)
    coarse = resample_isotropic(blocks, WORKING_SPACING_MM)
    mask = Volume(_coarse_body(coarse.voxels), coarse.ijk_to_ras, "mu_per_mm")
    on_blocks = resample(mask, blocks.voxels.shape, blocks.ijk_to_ras, antialias=False)
    return interpolated_from_blocks(on_blocks.voxels, volume, WORKING_SPACING_MM) > 0.5


def _coarse_body(hu: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mask (0 or 1) of the body on an R, A, S grid of WORKING_SPACING_MM."""
    import SimpleITK as sitk

    tissue = _filled_axially(sitk.GetImageFromArray((hu > TISSUE_HU).astype(np.uint8)))
    shell_voxels = round(TABLE_SHELL_MM / 2 / WORKING_SPACING_MM) + 1
    core = sitk.BinaryErode(tissue, [shell_voxels] * 3, sitk.sitkBall, 0.0, 1.0, True)
    parts = sitk.RelabelComponent(sitk.ConnectedComponent(core), sortByObjectSize=True)
    sizes = np.bincount(sitk.GetArrayViewFromImage(parts).ravel())[1:]
    if sizes.size == 0:
        raise InputError("The CT holds no body: choose a CT of a patient in Hounsfield units.")
    kept = int((sizes >= ARM_FRACTION * sizes[0]).sum())
    trunk = sitk.BinaryThreshold(parts, 1, kept)
    grown = sitk.BinaryDilate(trunk, [shell_voxels + 1] * 3, sitk.sitkBall)
    body = _filled_axially(grown & tissue)
    skin_voxels = max(1, round(SKIN_MARGIN_MM / WORKING_SPACING_MM))
    return sitk.GetArrayFromImage(sitk.BinaryMorphologicalClosing(body, [skin_voxels] * 3)).astype(np.float32)


def _filled_axially(mask: sitk.Image) -> sitk.Image:
    """The mask with the holes of each axial slice filled: lungs open only at the ends of the scan."""
    import cv2
    import SimpleITK as sitk

    slices = np.pad(sitk.GetArrayViewFromImage(mask), ((0, 0), (1, 1), (1, 1)))
    for image in slices:
        outside = image.copy()
        cv2.floodFill(outside, None, (0, 0), 1)
        image |= outside == 0
    return sitk.GetImageFromArray(np.ascontiguousarray(slices[:, 1:-1, 1:-1]))
