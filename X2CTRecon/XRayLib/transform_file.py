"""A rigid pose as a transform file of ITK and Slicer.

Such a file holds, in LPS, the transform of a resampler: from the fixed frame, here the world, back to the moving one,
the CT. 3D Slicer reads it as the transform *from* parent, so a CT under the loaded node moves as ``ct_to_world`` says.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from XRayLib.errors import InputError
from XRayLib.geometry.lps import LPS_TO_RAS
from XRayLib.pose_file import rigid_matrix
from XRayLib.whole_file import whole_file

TRANSFORM_SUFFIXES = (".tfm", ".h5", ".hdf5", ".mat")
TEXT_HEADER = "#Insight Transform File"


def write_transform_file(path: str | Path, ct_to_world: ArrayLike) -> None:
    """Write ``ct_to_world`` (4, 4), RAS mm, as an ITK transform; the name ends in .tfm, .h5, .hdf5 or .mat."""
    import SimpleITK as sitk

    path = check_transform_name(path)
    world_to_ct_lps = LPS_TO_RAS @ np.linalg.inv(rigid_matrix(ct_to_world, "written")) @ LPS_TO_RAS
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(world_to_ct_lps[:3, :3].ravel().tolist())
    transform.SetTranslation(world_to_ct_lps[:3, 3].tolist())
    try:
        with whole_file(path) as unfinished:
            sitk.WriteTransform(transform, str(unfinished))
    except (RuntimeError, OSError) as error:
        raise InputError(f"{path.name} cannot be written: check its folder.") from error


def check_transform_name(path: str | Path) -> Path:
    """The path; InputError when its name is not that of a transform file."""
    path = Path(path)
    if path.suffix.lower() not in TRANSFORM_SUFFIXES:
        raise InputError(
            f"{path.name}: name the transform {', '.join(TRANSFORM_SUFFIXES[:-1])} or {TRANSFORM_SUFFIXES[-1]}."
        )
    return path


def read_transform_file(path: str | Path) -> NDArray[np.float64]:
    """``ct_to_world`` (4, 4), RAS mm, of an ITK transform file; InputError unless it holds a rigid transform."""
    import SimpleITK as sitk

    path = Path(path)
    if not path.is_file():
        raise InputError(f"The transform {path.name} does not exist: check its path.")
    try:
        transform = sitk.ReadTransform(str(path))
    except RuntimeError as error:
        raise InputError(f"{path.name} cannot be read as a transform: save it from Slicer or ITK as .tfm.") from error
    if transform.GetDimension() != 3 or not transform.IsLinear():
        raise InputError(f"{path.name} holds no rigid transform in space: deformations are no pose.")
    world_to_ct_lps = np.eye(4)
    world_to_ct_lps[:3, 3] = transform.TransformPoint((0.0, 0.0, 0.0))
    for axis, step in enumerate(np.eye(3)):
        world_to_ct_lps[:3, axis] = np.array(transform.TransformPoint(step.tolist())) - world_to_ct_lps[:3, 3]
    rigid_matrix(world_to_ct_lps, path.name)
    return LPS_TO_RAS @ np.linalg.inv(world_to_ct_lps) @ LPS_TO_RAS
