"""A file is replaced once all of it is written: a disk that fills up leaves the former one, and nothing else."""

from __future__ import annotations

import signal
from pathlib import Path

import numpy as np
import pytest
from XRayLib.errors import InputError
from XRayLib.geometry import assumed_film_geometry
from XRayLib.radiograph import Radiograph, load_radiograph
from XRayLib.radiograph.save import save_radiograph
from XRayLib.whole_file import whole_file

FORMER = b"what was there before"


def a_film(value: float) -> Radiograph:
    image = np.zeros((48, 40), np.float32)
    image[10:30, 10:30] = value
    return Radiograph(image, assumed_film_geometry("PA", (40, 48), (8.0, 8.0)), view="PA")


def test_the_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with whole_file(path) as unfinished:
        unfinished.write_text("all")
        assert unfinished.suffix == ".txt"
        assert not path.exists()
    assert path.read_text() == "all"
    assert list(tmp_path.iterdir()) == [path]


def test_what_was_raised_goes_on_and_the_former_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(FORMER)

    def fill() -> None:
        with whole_file(path) as unfinished:
            unfinished.write_text("half")
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        fill()
    assert path.read_bytes() == FORMER
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["film.dcm", "film.png", "film.nrrd"])
def test_a_disk_that_fills_up_leaves_the_former_film(tmp_path: Path, name: str) -> None:
    resource = pytest.importorskip("resource", reason="Windows cannot limit the size of a file")
    path = tmp_path / name
    save_radiograph(a_film(1.0), path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    large = np.random.default_rng(0).random((400, 400), np.float32)
    film = Radiograph(large, assumed_film_geometry("PA", (400, 400), (1.0, 1.0)), view="PA")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, hard))
    try:
        with pytest.raises(InputError, match="has room"):
            save_radiograph(film, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
    assert load_radiograph(path).line_integral.shape == (48, 40)
