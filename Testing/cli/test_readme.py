"""Every command of the README runs as written."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner
from XRayLib.cli.app import app
from XRayLib.ct import save_volume
from XRayLib.phantom import torso_phantom
from XRayLib.pose_file import read_pose
from XRayLib.radiograph import load_radiograph
from XRayLib.shared_files import shared_folder


def readme_commands(repository: Path) -> list[list[str]]:
    blocks = re.findall(r"```\n(.*?)```", (repository / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("xray3d ")]
    return [shlex.split(line, comments=True)[1:] for line in lines]


@pytest.fixture
def patient_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the files that the README's commands name."""
    save_volume(torso_phantom(3, 5.0).ct, tmp_path / "chest.nii.gz")
    for name, film in (("film.jpg", "torso_pa.dcm"), ("side.jpg", "torso_lateral.dcm")):
        image = load_radiograph(shared_folder("SampleData") / film).line_integral
        Image.fromarray((255 * image / image.max()).astype(np.uint8)).save(tmp_path / name)
    for film in ("torso_pa.dcm", "torso_lateral.dcm"):
        shutil.copy(shared_folder("SampleData") / film, tmp_path)
    write_true_pose(tmp_path / "true.pose.json")
    (tmp_path / "cases.csv").write_text("id,view1,view2\nfirst,torso_pa.dcm,torso_lateral.dcm\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_true_pose(path: Path) -> None:
    """The README's films are simulated in the CT's own RAS."""
    path.write_text(json.dumps({"format": "xray3d.pose/1", "ct_to_world": np.eye(4).tolist()}))


def test_the_readme_commands_run(repository: Path, patient_folder: Path) -> None:
    commands = readme_commands(repository)
    assert {command[0] for command in commands} >= {
        *("simulate", "reconstruct", "register", "evaluate", "batch", "models", "bench")
    }
    for command in commands:
        if command[0] == "bench":
            continue  # minutes long; the benchmarks have tests of their own
        result = CliRunner().invoke(app, command)
        assert result.exit_code == 0, (command, result.stderr)
    assert (patient_folder / "report" / "report.html").is_file()
    assert (patient_folder / "results" / "first.nii.gz").is_file()
    assert (patient_folder / "registration" / "report.html").is_file()
    np.testing.assert_allclose(read_pose(patient_folder / "chest.tfm")[:3, :3], np.eye(3), atol=0.02)


def test_the_readme_pictures_exist(repository: Path) -> None:
    readme = (repository / "README.md").read_text(encoding="utf-8")
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", readme)
    assert len(pictures) >= 3
    for picture in pictures:
        assert (repository / picture).is_file(), picture
