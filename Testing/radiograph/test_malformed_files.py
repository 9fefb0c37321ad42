"""Broken DICOM is refused in a sentence or loads as what it shows; it never crashes, hangs or becomes nonsense."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import numpy as np
import pytest
from limited_loading import LimitedLoader
from numpy.typing import NDArray
from XRayLib.radiograph import radiograph_from_array

SIZE = 64
FEWEST_ACCEPTED = 150
"""Files of the collection whose fault lies outside the image."""


@pytest.fixture(scope="module")
def pattern() -> NDArray[np.uint16]:
    row, column = np.mgrid[:SIZE, :SIZE]
    return (3000 * np.exp(-((column - 30) ** 2 + (row - 20) ** 2) / 300)).astype("<u2")


def malformed(patient_data: Path) -> list[Path]:
    files = sorted((patient_data / "dicom" / "malformed").rglob("*.dcm"))
    assert len(files) > 200
    return files


def as_radiograph(content: bytes, pattern: NDArray[np.uint16]) -> bytes:
    """The file with its fault, but of modality CR and showing ``pattern``: the collection holds empty CT slices."""
    content = content.replace(b"1.2.840.10008.5.1.4.1.1.2\0", b"1.2.840.10008.5.1.4.1.1.1\0")
    content = re.sub(rb"(\x08\x00\x60\x00(?:CS|LO)\x02\x00|\x08\x00\x60\x00\x02\x00\x00\x00)CT", rb"\1CR", content)
    element = max(content.rfind(b"\xe0\x7f\x10\x00OW\0\0"), content.rfind(b"\xe0\x7f\x10\x00OB\0\0"))
    start = element + 12 if element >= 0 else content.rfind(b"\xe0\x7f\x10\x00") + 8
    length = struct.unpack_from("<I", content, start - 4)[0] if start >= 12 else 0
    if not 0 < length <= len(content) - start:
        return content
    frames = pattern.tobytes() * (length // pattern.nbytes + 1)
    return content[:start] + frames[:length] + content[start + length :]


@pytest.mark.real_data
def test_collection_of_broken_ct_is_refused_whole(patient_data: Path) -> None:
    with LimitedLoader() as loader:
        answers = loader.load_all(malformed(patient_data))
    assert {name: answer for name, answer in answers.items() if answer["kind"] != "InputError"} == {}
    for answer in answers.values():
        assert answer["message"].endswith(".")
        assert not re.search("FUZZ.CASE|FUZZ-PID", answer["message"])


@pytest.mark.real_data
def test_same_faults_in_a_radiograph(patient_data: Path, tmp_path: Path, pattern: NDArray[np.uint16]) -> None:
    healthy = np.round(radiograph_from_array(pattern, "pa").line_integral, 4)
    files = []
    for path in malformed(patient_data):
        files.append(tmp_path / path.name)
        files[-1].write_bytes(as_radiograph(path.read_bytes(), pattern))
    with LimitedLoader() as loader:
        answers = loader.load_all(files)
    accepted = {name: answer for name, answer in answers.items() if answer["kind"] == "Radiograph"}
    assert {answer["kind"] for answer in answers.values()} == {"Radiograph", "InputError"}
    assert len(accepted) >= FEWEST_ACCEPTED
    different = [name for name, answer in accepted.items() if not np.allclose(answer["image"], healthy, atol=1e-3)]
    assert different == []


@pytest.mark.real_data
def test_nema_files_with_damage_anywhere(patient_data: Path, tmp_path: Path) -> None:
    """Random bytes and ends in the codestreams of all seven syntaxes."""
    random = np.random.default_rng(0)
    with LimitedLoader() as loader:
        for path in sorted((patient_data / "dicom" / "nema").glob("XA1_*.dcm")):
            content = bytearray(path.read_bytes())
            start = content.find(b"\xe0\x7f\x10\x00")
            for position in random.integers(start, min(start + 2000, len(content)), 3):
                content[position] = random.integers(256)
            for damaged in (content, content[: random.integers(start, len(content))]):
                (tmp_path / path.name).write_bytes(damaged)
                answer = loader.load(tmp_path / path.name)
                assert answer["kind"] in ("Radiograph", "InputError"), (path.name, answer)
                assert answer.get("sane", True), path.name
