"""How a view is named on the command line, and arrays from a scene."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from XRayLib.errors import InputError
from XRayLib.geometry import assumed_film_geometry, write_geometry_file
from XRayLib.radiograph import load_radiograph, parse_view_argument, radiograph_from_array, save_radiograph


@pytest.mark.parametrize(
    ("argument", "image", "geometry"),
    [
        ("film.png", "film.png", None),
        ("film.png:pa", "film.png", "pa"),
        ("a/b.dcm:b.geometry.json", "a/b.dcm", "b.geometry.json"),
        ("/x/a.nii.gz:/y/a.geometry.json", "/x/a.nii.gz", "/y/a.geometry.json"),
        ("C:\\films\\pa.png", "C:\\films\\pa.png", None),
        ("C:\\films\\pa.png:ll", "C:\\films\\pa.png", "ll"),
        ("C:\\a.png:D:\\a.geometry.json", "C:\\a.png", "D:\\a.geometry.json"),
        ("c:/a.png:d:/a.geometry.json", "c:/a.png", "d:/a.geometry.json"),
    ],
)
def test_view_argument(argument: str, image: str, geometry: str | None) -> None:
    assert parse_view_argument(argument) == (Path(image), geometry)


def test_colon_in_an_existing_file_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "12:30.png").touch()
    assert parse_view_argument("12:30.png") == (Path("12:30.png"), None)
    assert parse_view_argument("12:30.png:pa") == (Path("12:30.png"), "pa")


@pytest.mark.parametrize("argument", ["", "  ", ":pa", "film.png:"])
def test_incomplete_view_argument(argument: str) -> None:
    with pytest.raises(InputError):
        parse_view_argument(argument)


@pytest.mark.parametrize("word", ["pa", "ap", "ll", "rl", "PA"])
def test_word_gives_the_standard_view(chest: NDArray[np.float32], word: str) -> None:
    radiograph = radiograph_from_array(chest, word, pixel_spacing_mm=(1.5, 1.5))
    expected = assumed_film_geometry(word, (chest.shape[1], chest.shape[0]), (1.5, 1.5))
    assert radiograph.geometry == expected
    assert radiograph.view == word.upper()


def test_unknown_word_and_view_are_refused(chest: NDArray[np.float32]) -> None:
    with pytest.raises(InputError, match="does not exist"):
        radiograph_from_array(chest, "oblique")
    with pytest.raises(InputError, match="PA, AP, LL, RL"):
        radiograph_from_array(chest, view="oblique")


def test_view_is_read_off_a_given_geometry(chest: NDArray[np.float32]) -> None:
    geometry = assumed_film_geometry("RL", (chest.shape[1], chest.shape[0]))
    assert radiograph_from_array(chest, geometry).view == "RL"


def test_stack_and_colour_of_a_volume_node(chest: NDArray[np.float32]) -> None:
    sequence = np.stack([chest, chest[::-1]])
    loaded = radiograph_from_array(sequence, "pa", frame_index=1, intensity="line_integral")
    assert np.array_equal(loaded.line_integral, chest[::-1])
    grey = np.rint(40 * chest).astype(np.uint8)
    vector = np.repeat(grey[None, :, :, None], 3, axis=3)
    assert radiograph_from_array(vector, "pa").line_integral.shape == chest.shape
    assert radiograph_from_array(vector[0], "pa").line_integral.shape == chest.shape
    with pytest.raises(InputError, match="1 frame"):
        radiograph_from_array(vector, "pa", frame_index=1)
    with pytest.raises(InputError, match="5 dimensions"):
        radiograph_from_array(vector[None], "pa")


def test_scale_and_kind_of_the_geometry_file_are_used(tmp_path: Path, chest: NDArray[np.float32]) -> None:
    from PIL import Image

    Image.fromarray(np.rint(chest * 1000).astype(np.uint16)).save(tmp_path / "x.png")
    geometry = assumed_film_geometry("PA", (chest.shape[1], chest.shape[0]))
    write_geometry_file(geometry, tmp_path / "other.json", "line_integral", 0.001)
    loaded = load_radiograph(tmp_path / "x.png", tmp_path / "other.json")
    assert np.abs(loaded.line_integral - chest).max() < 6e-4
    assert loaded.calibrated
    # What the caller says goes before what the file says.
    assert not load_radiograph(tmp_path / "x.png", tmp_path / "other.json", intensity="display_bone_bright").calibrated


def test_loading_changes_no_file(tmp_path: Path, chest: NDArray[np.float32]) -> None:
    save_radiograph(radiograph_from_array(chest, "pa"), tmp_path / "x.png")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    load_radiograph(tmp_path / "x.png")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
