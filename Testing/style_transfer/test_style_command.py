"""What the command line asks a method for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from films_to_transfer import chest_film, geometry
from typer.testing import CliRunner
from X2CTReconLib.generative.settings import PriorSettings
from X2CTReconLib.implicit.settings import ImplicitSettings
from XRayLib.case import Options, Result
from XRayLib.cli.app import app
from XRayLib.ct import Volume
from XRayLib.geometry import write_geometry_file
from XRayLib.radiograph import save_radiograph


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Options]:
    """The options of every run that the command starts, in a folder with a film."""
    options: list[Options] = []

    def noted(_case: Any, method_id: str, given: Options, *_others: Any) -> Result:
        options.append(given)
        return Result(method_id, Volume.axis_aligned(np.zeros((4, 4, 4), np.float32), (9.0, 9.0, 9.0)))

    monkeypatch.setattr("XRayLib.cli.reconstruct.run_in_worker", noted)
    monkeypatch.chdir(tmp_path)
    save_radiograph(chest_film(calibrated=True), tmp_path / "film.dcm")
    write_geometry_file(geometry(), tmp_path / "film.geometry.json", intensity="line_integral")
    return options


@pytest.mark.parametrize(
    ("flags", "extra"),
    [
        ([], {}),
        (["--style-transfer"], {"style_transfer": True}),
        (["--consistent", "--style-transfer"], {"consistent": True, "style_transfer": True}),
        (["--estimate-geometry"], {"estimate_geometry": True}),
    ],
)
def test_only_what_is_asked_for_is_passed_on(asked: list[Options], flags: list[str], extra: dict) -> None:
    arguments = ["reconstruct", "--view", "film.dcm", "-o", "v.nii.gz", *flags]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.stderr
    assert asked[0].extra == extra


def test_methods_that_check_their_settings_accept_the_command_as_it_is() -> None:
    settings = Options(extra={"consistent": True, "style_transfer": True}).settings
    assert ImplicitSettings.from_mapping(settings) == ImplicitSettings()
    assert PriorSettings.from_mapping(settings) == PriorSettings()
