"""'Copy diagnostics' tells a maintainer enough and nothing about the patient."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worker_cases import make_radiograph
from XRayLib.case import Case, Options
from XRayLib.jobs.client import WorkerClient
from XRayLib.jobs.redaction import names_in_path, redact


@pytest.mark.parametrize(
    "text",
    [
        "cannot open /data/patients/DOE_JANE/film.dcm",
        "cannot open '/data/Jane Doe/film of Jane.dcm' again",
        'File "C:\\Users\\Jane Doe\\Desktop\\DOE.dcm"',
        "C:\\Users\\Jane Doe\\Desktop\\Jane Doe.dcm: truncated",
        "/home/Jane Doe/Doe 1950.nii.gz is damaged",
        "\\\\server\\share\\Jane\\Doe.png",
        "file:///home/Doe/Jane.dcm",
        "DOE^JANE^^ has no pixels",
        "PatientName='DOE^JANE'",
        "Doe-Jane.dcm has no pixels",
        "~/Jane/Doe.mha",
        "path=/srv/Doe/Jane",
    ],
)
def test_paths_and_names_are_removed(text: str) -> None:
    redacted = redact(text).lower()
    assert "doe" not in redacted
    assert "jane" not in redacted


def test_the_line_of_our_own_code_stays() -> None:
    line = 'File "/opt/Slicer/lib/XRayLib/jobs/server.py", line 12, in _run'
    assert redact(line) == 'File "<path>/jobs/server.py", line 12, in _run'


@pytest.mark.parametrize("text", ["RuntimeError: shape (1, 2, 3) and 50 % of 3/4", "CUDA 12.8, and/or CPU; 0.5 mm"])
def test_technical_words_stay(text: str) -> None:
    assert redact(text) == text


def test_concealed_words_go_wherever_they_stand_but_only_whole() -> None:
    assert redact("Mueller, MUELLER and Muellerian", {"Mueller"}) == "<name>, <name> and Muellerian"


def test_the_users_own_name_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "drhouse")
    assert redact("session of drhouse") == "session of <name>"


@given(st.lists(st.text(alphabet="abcdefgh XYZ_-äö", min_size=3, max_size=12), min_size=1, max_size=4))
def test_no_folder_of_a_quoted_path_survives(parts: list[str]) -> None:
    path = "/" + "/".join(parts) + ".dcm"
    assert redact(f"before '{path}' after") == 'before "<path>" after'


def test_words_of_a_file_name_may_be_names() -> None:
    assert names_in_path("/x/SMITH_John-1970.dcm") == {"SMITH_John-1970", "SMITH", "John"}
    assert names_in_path("C:\\x\\Smith.dcm") == {"Smith"}
    assert {"Smith", "John"} <= names_in_path("/x/Smith.John.1970.dcm")


def test_the_text_has_versions_geometry_and_model_but_no_name(client: WorkerClient, tmp_path: Path) -> None:
    case = Case((make_radiograph(source="Jane Doe's film"),))
    client.run_blocking("test-succeed", case, Options(bundle="x2ct-two-view"))
    text = client.diagnostics()
    for expected in (
        "XRay3D",
        "numpy",
        "8 x 6 px",
        "angles 10.0, -5.0 deg",
        "2 x 3 x 4 voxels",
        "x2ct-two-view",
        "abc123",
    ):
        assert expected in text
    for private in ("Jane", "Doe", "somebody", "SMITH", str(tmp_path)):
        assert private not in text


def test_a_failure_is_told_without_the_names_in_it(client: WorkerClient, case: Case) -> None:
    client.wait(client.load_radiograph("/data/patients/Jane Doe/ROE_RICHARD.dcm"))
    client.wait(client.run_method("test-fail", case, Options(extra={"kind": "bug"})))
    text = client.diagnostics()
    assert "RuntimeError" in text
    assert "behaviours.py" in text
    for private in ("Jane", "Doe", "SMITH", "JOHN", "ROE", "RICHARD", "patients"):
        assert private not in text


def test_a_crash_leaves_its_last_words(client: WorkerClient, case: Case) -> None:
    client.wait(client.run_method("test-crash", case, Options(extra={"kind": "exit"})))
    text = client.diagnostics()
    assert "last words of a library" in text
    assert "exit code 7" in text


def test_there_is_a_text_before_anything_ran(make_client: Callable[..., WorkerClient]) -> None:
    assert "worker idle" in make_client().diagnostics()
