"""The PDF says and shows what the HTML does, and needs nothing from outside."""

from __future__ import annotations

import base64
import re
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from XRayLib.case import PoseQuality, Result, View
from XRayLib.ct import Volume
from XRayLib.geometry import assumed_film_geometry
from XRayLib.radiograph import Radiograph
from XRayLib.report import write_pdf_report, write_report, write_volume_report


def a_result(**changes) -> Result:
    film = np.zeros((60, 40), np.float32)
    film[20:40, 10:30] = 2.0
    radiograph = Radiograph(
        film, assumed_film_geometry("PA", (40, 60)), view="PA", assumptions=("Bone < metal, it seems.",)
    )
    box = np.full((20, 20, 20), -1000, np.float32)
    box[5:15, 4:17, 7:12] = 0
    volume = Volume.axis_aligned(box, (12.0, 12.0, 12.0))
    deviation = Volume(100 + 0.1 * box, volume.ijk_to_ras, "HU_sd")
    result = Result(
        "lifting",
        volume,
        uncertainty=deviation,
        views=(View(radiograph, 0.5 * film, (1.5, 0.0), 0.125),),
        quality={"reprojection_residual_1": 0.125},
        warnings=("View 1, estimated from the films: taken as 84 degrees, not 90 (+- 3).",),
        provenance={"method": "lifting", "long": "word " * 60},
    )
    return replace(result, **changes)


def text_of(path: Path) -> str:
    """The strings that a PDF made by ReportLab draws, in order."""
    drawn = b""
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", path.read_bytes(), re.DOTALL):
        try:
            drawn += zlib.decompress(
                base64.a85decode(stream.strip(), adobe=False) if b"~>" not in stream else _a85(stream)
            )
        except (ValueError, zlib.error):
            continue
    words = re.findall(rb"\(((?:[^()\\]|\\.)*)\) Tj", drawn)
    return re.sub(r"\s+", " ", b" ".join(words).replace(b"\\(", b"(").replace(b"\\)", b")").decode("latin-1"))


def _a85(stream: bytes) -> bytes:
    return base64.a85decode(stream.strip().removesuffix(b"~>"))


def test_it_says_what_the_html_says(tmp_path: Path) -> None:
    write_report(a_result(), tmp_path)
    text = text_of(tmp_path / "report.pdf")
    for words in (
        "Research use only. Not a medical device.",
        "Lesions may be missing",
        "residual 12.5 % of the film's contrast",
        "taken as 84 degrees, not 90",
        "Bone < metal, it seems.",
        "What cannot be known",
        "reprojection_residual_1",
        "Provenance",
    ):
        assert words in text
    assert "Lesions may be missing" in (tmp_path / "report.html").read_text()


def test_it_holds_its_pictures_and_no_links(tmp_path: Path) -> None:
    pdf = write_pdf_report(a_result(), tmp_path / "r.pdf").read_bytes()
    assert pdf.startswith(b"%PDF-")
    assert pdf.count(b"/Subtype /Image") >= 3 + 3 + 3
    assert b"/URI" not in pdf


def test_the_same_result_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = (write_pdf_report(a_result(), tmp_path / name).read_bytes() for name in ("1.pdf", "2.pdf"))
    assert first == second


def test_a_path_that_ends_in_pdf_gets_the_pdf_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from XRayLib.tomography import undetermined

    monkeypatch.setattr(undetermined, "VOXELS_ALONG_THE_LONGEST_SIDE", 8)
    written = write_volume_report(a_result(), tmp_path / "report.PDF")
    assert [path.name for path in tmp_path.iterdir()] == [written.name] == ["report.PDF"]
    assert "leave on average" in text_of(written)


@pytest.mark.parametrize("accepted", [True, False])
def test_a_registration_gets_its_verdict(tmp_path: Path, accepted: bool) -> None:
    quality = PoseQuality(np.eye(6) * 0.01, 0.25, accepted, "" if accepted else "The films show another patient.")
    result = a_result(volume=None, uncertainty=None, ct_to_world=np.eye(4), pose_quality=quality)
    text = text_of(write_pdf_report(result, tmp_path / "pose.pdf"))
    assert ("Accepted" if accepted else "Refused") + ", confidence 25 %" in text
    assert "How sure the pose is" in text
    assert ("another patient" in text) is not accepted
