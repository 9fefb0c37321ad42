"""Requests other than methods: radiographs, projections, models, devices."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from worker_cases import make_radiograph
from XRayLib.ct import Volume, attenuation_from_hu
from XRayLib.errors import InputError
from XRayLib.jobs.client import WorkerClient
from XRayLib.jobs.job import JobState
from XRayLib.jobs.requests.radiographs import THUMBNAIL_PX, summary_of, thumbnail_png
from XRayLib.projector import project
from XRayLib.radiograph import Radiograph


def ball() -> Volume:
    k, j, i = np.mgrid[-8:8, -8:8, -8:8] + 0.5
    return Volume.axis_aligned(np.where(i**2 + j**2 + k**2 < 36, 200.0, -1000.0), (5.0, 5.0, 5.0))


def test_projections_equal_those_made_here(client: WorkerClient) -> None:
    volume, geometries = ball(), [make_radiograph((6, 8)).geometry, make_radiograph((5, 4)).geometry]
    images: list[list[np.ndarray]] = []
    client.wait(client.project("ct", volume, geometries, device="cpu", on_result=images.append))
    attenuation = Volume(attenuation_from_hu(volume.voxels), volume.ijk_to_ras, "mu_per_mm")
    for image, geometry in zip(images[0], geometries, strict=True):
        np.testing.assert_allclose(image, project(attenuation, [geometry], device="cpu")[0], rtol=1e-5, atol=1e-6)
        assert image.max() > 0


def test_the_volume_goes_to_the_worker_once_and_again_after_a_restart(client: WorkerClient) -> None:
    volume, geometries = ball(), [make_radiograph().geometry]
    client.wait(client.project("ct", volume, geometries))
    sent = client._submitted
    client.wait(client.project("ct", volume, geometries))
    assert client._submitted == sent + 1
    client.close()
    job = client.project("ct", volume, geometries)
    client.wait(job)
    assert job.state is JobState.DONE
    client.wait(client.project("ct", ball(), geometries))
    assert client._submitted == sent + 5


def test_of_many_quick_projections_the_last_one_counts(client: WorkerClient) -> None:
    volume, done = ball(), []
    geometries = [make_radiograph((6, 8 + n)).geometry for n in range(30)]
    jobs = [
        client.project("ct", volume, [g], on_result=lambda images: done.append(images[0].shape)) for g in geometries
    ]
    client.wait(jobs[-1])
    assert done[-1] == (6, 37)
    assert len(done) < 5


def test_projecting_a_volume_that_was_never_sent_is_bad_input(client: WorkerClient) -> None:
    with pytest.raises(InputError, match="put it there first"):
        client.call("project", {"volume_id": "x", "geometries": []})


def test_labels_cannot_be_projected(client: WorkerClient) -> None:
    labels = Volume(np.zeros((2, 2, 2), np.float32), np.eye(4), "label")
    failures = []
    job = client.project("labels", labels, [make_radiograph().geometry], on_error=failures.append)
    client.wait(job)
    assert failures[0].code == "bad_input"
    assert "HU" in failures[0].message


def test_a_removed_volume_is_gone(client: WorkerClient) -> None:
    volume, geometries = ball(), [make_radiograph().geometry]
    client.wait(client.project("ct", volume, geometries))
    client.remove_volume("ct")
    sent = client._submitted
    client.wait(client.project("ct", volume, geometries))
    assert client._submitted == sent + 2


def test_the_summary_shows_numbers_and_what_was_assumed() -> None:
    summary = summary_of(make_radiograph(assumptions=("Intensity inverted.",), view="PA"))
    assert summary["size_px"] == [8, 6]
    assert summary["primary_angle_deg"] == pytest.approx(10)
    assert summary["source_to_detector_mm"] == 1000
    assert summary["assumptions"] == ["Intensity inverted."]


def test_a_thumbnail_is_small_and_shows_bone_bright_in_the_right_proportions() -> None:
    geometry = make_radiograph((900, 600)).geometry
    image = np.zeros((900, 600), np.float32)
    image[:, 300:] = 3.0
    mask = np.ones(image.shape, bool)
    mask[:300] = False
    picture = Image.open(io.BytesIO(thumbnail_png(Radiograph(image, geometry, mask))))
    rows_mm, columns_mm = 900 * 1.5, 600 * 2.0
    assert picture.size == (round(THUMBNAIL_PX * columns_mm / rows_mm), THUMBNAIL_PX)
    pixels = np.asarray(picture)
    assert pixels[-1, 0] == 0
    assert pixels[-1, -1] == 255
    assert pixels[0, -1] == 0


def test_a_thumbnail_of_a_blank_image_is_possible() -> None:
    radiograph = make_radiograph((40, 30))
    blank = Radiograph(np.zeros((40, 30), np.float32), radiograph.geometry, np.zeros((40, 30), bool))
    assert Image.open(io.BytesIO(thumbnail_png(blank))).size


def test_a_radiograph_that_does_not_exist_is_bad_input(client: WorkerClient, tmp_path: Path) -> None:
    failures = []
    client.wait(client.load_radiograph(tmp_path / "nothing here.png", on_error=failures.append))
    assert [failure.code for failure in failures] == ["bad_input"]


def test_a_radiograph_is_loaded_in_the_worker(client: WorkerClient, tmp_path: Path) -> None:
    film = make_radiograph((64, 80))
    path = tmp_path / "Möller film.png"
    Image.fromarray((film.line_integral * 60000).astype(np.uint16)).save(path)
    loaded = []
    job = client.load_radiograph(
        path, film.geometry, intensity="display_bone_bright", view="PA", on_result=loaded.append
    )
    client.wait(job)
    assert job.failure is None
    assert loaded[0].radiograph.geometry == film.geometry
    assert loaded[0].radiograph.line_integral.shape == (64, 80)
    assert loaded[0].summary["size_px"] == [80, 64]
    assert loaded[0].thumbnail_png.startswith(b"\x89PNG")


def test_frames_are_counted_in_the_worker(client: WorkerClient, tmp_path: Path) -> None:
    pages = [Image.fromarray(np.full((6, 7), n, np.uint16)) for n in range(3)]
    pages[0].save(tmp_path / "run.tif", save_all=True, append_images=pages[1:])
    assert client.call("count_frames", {"path": str(tmp_path / "run.tif")}) == {"frames": 3}
    with pytest.raises(InputError):
        client.call("count_frames", {"path": str(tmp_path / "nowhere.tif")})


def test_models_and_devices_are_told(client: WorkerClient) -> None:
    for model in client.call("list_models"):
        assert {"id", "version", "title", "task", "sha256", "card"} <= model.keys()
    with pytest.raises(InputError):
        client.call("verify_model", {"model": "no-such-model"})
    assert "devices" in client.call("probe_devices")
    assert "not probed" not in client.diagnostics()


def test_a_model_that_is_none_is_not_imported(client: WorkerClient, tmp_path: Path) -> None:
    (tmp_path / "not a model").mkdir()
    with pytest.raises(InputError):
        client.call("import_model", {"path": str(tmp_path / "not a model")})
