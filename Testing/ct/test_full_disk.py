"""A file that the disk has no room for: said, and the former one kept. The limit on file sizes stands for the disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from XRayLib.cli.batch import run_row
from XRayLib.ct import Volume, load_volume, save_volume
from XRayLib.deformation_file import write_deformation_file
from XRayLib.errors import InputError
from XRayLib.geometry import assumed_film_geometry
from XRayLib.motion import DisplacementField
from XRayLib.radiograph import Radiograph
from XRayLib.radiograph.save import save_radiograph

resource = pytest.importorskip("resource", reason="this system has no limit on file sizes")


@contextmanager
def room_for(size_bytes: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("name", ["v.nii.gz", "v.nii", "v.nrrd", "v.mha"])
def test_half_a_volume_is_no_success(tmp_path: Path, name: str) -> None:
    former = Volume(np.zeros((4, 4, 4), np.float32), np.eye(4), "mu_per_mm")
    save_volume(former, tmp_path / name)
    with room_for(20_000), pytest.raises(InputError, match="has room"):
        save_volume(Volume(noise(40, 40, 40), np.eye(4), "mu_per_mm"), tmp_path / name)
    np.testing.assert_array_equal(load_volume(tmp_path / name, "mu_per_mm").voxels, former.voxels)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_nor_is_half_a_deformation_or_half_a_film(tmp_path: Path) -> None:
    with room_for(20_000):
        with pytest.raises(InputError, match="has room"):
            write_deformation_file(tmp_path / "d.nii.gz", DisplacementField(noise(30, 30, 30, 3), np.eye(4)))
        with pytest.raises(InputError, match="has room"):
            save_radiograph(
                Radiograph(noise(200, 200), assumed_film_geometry("PA", (200, 200), (1.0, 1.0))), tmp_path / "f.nii.gz"
            )
    assert not list(tmp_path.iterdir())


def test_a_case_whose_outcome_cannot_be_kept_has_failed_and_the_batch_goes_on(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"status": "ok"}', encoding="utf-8")
    with room_for(10):
        outcome = run_row({"id": "a", "view1": str(tmp_path / "absent.png")}, tmp_path, "sart", "cpu")
    assert outcome["status"] == "failed"
    assert "a.json cannot be written" in outcome["message"]
    assert not list(tmp_path.iterdir())
