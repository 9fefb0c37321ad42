"""A run of cases sends its CT once; a worker that does not have it any more gets it again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from worker_cases import make_radiograph
from XRayLib.case import Case, Options
from XRayLib.ct import Volume
from XRayLib.errors import InputError, XRay3DError
from XRayLib.jobs.case_files import read_case, write_case
from XRayLib.jobs.client import WorkerClient


def a_case(value: float = 3.0) -> Case:
    voxels = np.full((2, 3, 4), value, np.float32)
    of_patient_size = np.diag([100.0, 100.0, 100.0, 1.0])
    return Case((make_radiograph(),), ct=Volume(voxels, of_patient_size))


def test_a_case_without_its_ct_takes_the_kept_one(tmp_path: Path) -> None:
    case = a_case()
    write_case(tmp_path, case, ct_is_kept=True)
    assert not list(tmp_path.glob("ct*"))
    assert read_case(tmp_path, kept_ct=case.ct).ct is case.ct
    with pytest.raises(InputError, match="not here any more"):
        read_case(tmp_path)


def test_a_case_with_its_own_ct_ignores_the_kept_one(tmp_path: Path) -> None:
    write_case(tmp_path, a_case())
    assert read_case(tmp_path, kept_ct=a_case(7.0).ct).ct.voxels.max() == 3.0


def test_the_worker_has_one_ct_for_all_frames(client: WorkerClient) -> None:
    case = a_case()
    frames = [_run(client, Case((make_radiograph(),), ct=case.ct)) for _ in range(3)]
    assert [frame.quality["sum"] for frame in frames] == [72.0] * 3
    assert len({frame.provenance["object"] for frame in frames[1:]}) == 1
    assert _run(client, a_case(1.0)).quality["sum"] == 24.0


def test_a_new_worker_gets_the_ct_again(client: WorkerClient) -> None:
    case = a_case()
    _run(client, case)
    with pytest.raises(XRay3DError):
        client.run_blocking("test-crash", case, Options(extra={"kind": "exit"}))
    assert _run(client, case).quality["sum"] == 72.0


def _run(client: WorkerClient, case: Case):
    job = client.run_method("test-ct", case, keep_ct=True)
    client.wait(job)
    assert job.failure is None
    return job.value
