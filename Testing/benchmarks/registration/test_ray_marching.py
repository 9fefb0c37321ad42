"""The proof's projector is right by itself, and is not the projector that registers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ray_marching import march, tissue_volumes
from XRayLib.ct import Volume, load_ct
from XRayLib.geometry import XRayGeometry, read_geometry_file
from XRayLib.projector import project


def relative_error(result: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.linalg.norm(result - wanted) / np.linalg.norm(wanted))


def oblique_view(size_px: tuple[int, int] = (40, 30)) -> XRayGeometry:
    return XRayGeometry.from_c_arm(
        primary_angle_deg=37.0,
        secondary_angle_deg=-24.0,
        source_to_detector_mm=1020.0,
        source_to_isocenter_mm=700.0,
        size_px=size_px,
        pixel_spacing_mm=(300.0 / size_px[1], 300.0 / size_px[0]),
    )


def blurred_ellipsoid(size: int, semi_axes_mm: np.ndarray) -> Volume:
    spacing_mm = 200.0 / size
    axis = (np.arange(size) - (size - 1) / 2) * spacing_mm
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    points = np.stack([x, y, z], axis=-1)
    radius = np.linalg.norm(points / semi_axes_mm, axis=-1)
    slope = np.linalg.norm(points / semi_axes_mm**2, axis=-1) / np.maximum(radius, 1e-9)
    inside = np.clip(0.5 - (radius - 1) / (slope + 1e-12) / spacing_mm, 0, 1)
    return Volume.axis_aligned(inside.astype(np.float32), (spacing_mm,) * 3, quantity="mu_per_mm")


def exact_chords(view: XRayGeometry, semi_axes_mm: np.ndarray) -> np.ndarray:
    columns, rows = view.size_px
    column, row = np.meshgrid(np.arange(columns), np.arange(rows))
    pixels = np.stack([column, row, np.zeros_like(row), np.ones_like(row)], axis=-1).astype(float)
    along = (pixels @ view.pixel_to_ras.T)[..., :3] - view.source_ras_mm
    along = along / np.linalg.norm(along, axis=-1, keepdims=True) / semi_axes_mm
    start = view.source_ras_mm / semi_axes_mm
    a, b, c = (along**2).sum(-1), along @ start, start @ start - 1
    return 2 * np.sqrt(np.maximum(b**2 - a * c, 0)) / a


def test_ellipsoid_converges_to_its_chords() -> None:
    semi_axes_mm, view = np.array([60.0, 45.0, 80.0]), oblique_view()
    exact = exact_chords(view, semi_axes_mm)
    errors = []
    for size in (40, 80):
        volume = blurred_ellipsoid(size, semi_axes_mm)
        tissues = np.stack([volume.voxels, 0.25 * volume.voxels], axis=-1)
        soft, bone = march(tissues, volume.ijk_to_ras, view)
        errors.append(relative_error(soft, exact))
        np.testing.assert_allclose(bone, 0.25 * soft, rtol=1e-5, atol=1e-6)
    assert errors[1] < 0.02
    assert errors[0] > 1.8 * errors[1]


def test_differs_from_the_registering_projector_but_little() -> None:
    rng, view = np.random.default_rng(0), oblique_view()
    volume = blurred_ellipsoid(50, np.array([60.0, 45.0, 80.0]))
    rough = Volume(volume.voxels * rng.uniform(0.5, 1.5, volume.voxels.shape), volume.ijk_to_ras, "mu_per_mm")
    tissues = np.stack([rough.voxels, np.zeros_like(rough.voxels)], axis=-1)
    marched, _ = march(tissues, rough.ijk_to_ras, view)
    assert 1e-3 < relative_error(project(rough, [view], device="cpu")[0], marched) < 2e-2


def test_threads_and_steps_change_nothing_that_matters() -> None:
    view, volume = oblique_view(), blurred_ellipsoid(30, np.array([60.0, 45.0, 80.0]))
    tissues = np.stack([volume.voxels, volume.voxels], axis=-1)
    one, _ = march(tissues, volume.ijk_to_ras, view, threads=1)
    np.testing.assert_array_equal(one, march(tissues, volume.ijk_to_ras, view, threads=2)[0])
    assert relative_error(march(tissues, volume.ijk_to_ras, view, step_mm=0.1)[0], one) < 1e-3


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["p+000_s+000", "p-045_s+015"])
def test_chest_agrees_with_the_golden_drr(patient_data: Path, name: str) -> None:
    import SimpleITK as sitk

    ct = load_ct(patient_data / "ct" / "chest_lidc0001.nii.gz")
    golden = patient_data / "golden" / f"lidc0001_{name}.nrrd"
    wanted = np.squeeze(sitk.GetArrayFromImage(sitk.ReadImage(str(golden))))
    view = read_geometry_file(golden.with_suffix("").with_suffix(".geometry.json"))
    soft, bone = march(tissue_volumes(ct), ct.ijk_to_ras, view)
    assert relative_error(soft + bone, wanted) < 5e-4
    assert 0.02 < bone.max() < soft.max()
