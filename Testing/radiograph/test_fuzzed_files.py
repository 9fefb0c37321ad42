"""Bytes changed and cut at random never raise anything but a clear refusal."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from drawn_radiographs import dicom_dataset, drawn_chest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from limited_loading import LimitedLoader
from XRayLib.errors import InputError
from XRayLib.radiograph import load_radiograph

SMALL = np.rint(drawn_chest(40, 48) * 45).astype(np.uint8)
FLIPS = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8)
"""(where, as a fraction of the file, new byte)"""


def dicom_bytes(syntax: str = "") -> bytes:
    dataset = dicom_dataset(SMALL.astype(np.uint16) * 16, BitsStored=12, HighBit=11)
    if syntax:
        dataset.compress(syntax)
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def picture_bytes(kind: str) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(SMALL).save(buffer, kind)
    return buffer.getvalue()


def volume_bytes(folder: Path, suffix: str) -> bytes:
    import SimpleITK as sitk

    path = folder / f"seed{suffix}"
    sitk.WriteImage(sitk.GetImageFromArray(SMALL), str(path))
    return path.read_bytes()


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("seeds")
    return {
        ".dcm": dicom_bytes(),
        ".png": picture_bytes("PNG"),
        ".tif": picture_bytes("TIFF"),
        ".jpg": picture_bytes("JPEG"),
        ".nrrd": volume_bytes(folder, ".nrrd"),
        ".mha": volume_bytes(folder, ".mha"),
        ".nii": volume_bytes(folder, ".nii"),
    }


def changed(content: bytes, flips: list[tuple[float, int]], kept: float) -> bytes:
    damaged = bytearray(content)
    for where, value in flips:
        damaged[int(where * len(damaged))] = value
    return bytes(damaged[: max(1, int(kept * len(damaged)))])


@pytest.mark.parametrize("suffix", [".dcm", ".png", ".tif", ".jpg", ".nrrd", ".mha", ".nii"])
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(flips=FLIPS, kept=st.one_of(st.just(1.0), st.floats(0, 1)))
def test_changed_bytes(
    seeds: dict[str, bytes], tmp_path: Path, suffix: str, flips: list[tuple[float, int]], kept: float
) -> None:
    path = tmp_path / f"x{suffix}"
    path.write_bytes(changed(seeds[suffix], flips, kept))
    try:
        radiograph = load_radiograph(path)
    except InputError as refusal:
        assert str(refusal).endswith(".")
        return
    image = radiograph.line_integral
    assert np.isfinite(image).all()
    assert image.min() >= 0


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.90"], ids=["RLE", "JPEG 2000"])
def test_changed_codestreams(tmp_path: Path, syntax: str) -> None:
    """In a child: the decoders are not written in Python."""
    seed, random = dicom_bytes(syntax), np.random.default_rng(int(syntax[-1]))
    start = seed.find(b"\xe0\x7f\x10\x00")
    with LimitedLoader() as loader:
        for _ in range(40):
            damaged = bytearray(seed)
            for position in random.integers(start, len(seed), 4):
                damaged[position] = random.integers(256)
            (tmp_path / "x.dcm").write_bytes(damaged)
            answer = loader.load(tmp_path / "x.dcm")
            assert answer["kind"] in ("Radiograph", "InputError"), answer
            assert answer.get("sane", True)


@given(head=st.binary(max_size=600), name=st.sampled_from(["x", "x.dcm", "x.png", "x.nii.gz", "x.mha", "x.tif"]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_arbitrary_bytes_are_refused(tmp_path: Path, head: bytes, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(head)
    with pytest.raises(InputError):
        load_radiograph(path)


@pytest.mark.skipif(os.name == "nt", reason="names of device files")
def test_device_file_is_not_read() -> None:
    with pytest.raises(InputError, match="not a file"):
        load_radiograph("/dev/zero")
