"""Films through a style network and into a method: what changes, what is kept, what is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from films_to_transfer import chest_film, geometry, style_bundle
from XRayLib.bundle import load_bundle
from XRayLib.case import Case, Options, Result
from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.radiograph import Radiograph
from XRayLib.registry import Method, Needs
from XRayLib.reprojection import reproject
from XRayLib.style_transfer import run_with_style_transfer, transfer
from XRayLib.style_transfer.square_film import SquareFilm
from XRayLib.style_transfer.transfer import StyleTransfer

WANTED = Options(device="cpu", extra={"style_transfer": True, "other": 3})


class WaterBox(Method):
    """Returns water and remembers what it was given; not listed, because it stands in for every volume method."""

    title, summary, citation = "Water", "", ""
    returns: ClassVar[str] = "volume"
    needs: ClassVar[Needs] = Needs(max_views=4)

    def run(self, case: Case, options: Options, progress: Any) -> Result:
        self.given, self.options = case, options
        progress(1.0, "Done")
        volume = Volume.axis_aligned(np.zeros((20, 16, 20), np.float32), (15.0, 15.0, 15.0))
        views = reproject(volume, case.radiographs, device="cpu")
        return Result("water", volume, views=views, quality={"reprojection_residual_1": views[0].residual})


def silent(fraction: float, stage: str) -> None:
    assert 0 <= fraction <= 1


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def install(network: str) -> None:
        bundle = load_bundle(style_bundle(tmp_path / network, network))
        monkeypatch.setattr(transfer, "installed_bundle", lambda _: bundle)

    return install


def run(case: Case, options: Options = WANTED) -> tuple[Result, WaterBox]:
    method = WaterBox()
    return run_with_style_transfer(method, case, options, silent), method


def test_off_by_default_nothing_is_touched() -> None:
    case = Case((chest_film(),))
    result, method = run(case, Options(extra={"other": 3}))
    assert method.given is case
    assert method.options.extra == {"other": 3}
    assert not any("style" in text for text in (*result.warnings, *result.quality))


def test_a_changed_film_reaches_the_method_and_the_original_the_report(installed: Any) -> None:
    installed("darker")
    original = chest_film()
    result, method = run(Case((original,)))
    given = method.given.radiographs[0]
    assert given.line_integral.shape == original.line_integral.shape
    assert given.line_integral.mean() < 0.9 * original.line_integral.mean()
    np.testing.assert_array_equal(result.views[0].radiograph.line_integral, original.line_integral)
    assert result.quality["style_moved_px_1"] < 1
    assert result.quality["style_residual_1"] != result.quality["reprojection_residual_1"]
    assert result.quality["reprojection_residual_1"] == pytest.approx(
        reproject(result.volume, (original,), device="cpu")[0].residual
    )
    assert method.options.extra == {"other": 3}
    assert result.provenance["style_transfer"]["films_changed"] == [True]
    assert any("style transfer" in text for text in result.warnings)


def test_a_network_that_moves_anatomy_is_refused_and_the_film_kept(installed: Any) -> None:
    installed("moving")
    original = chest_film()
    result, method = run(Case((original,)))
    assert method.given.radiographs[0] is original
    assert result.quality["style_moved_px_1"] > 3
    assert any("would have moved anatomy" in text for text in result.warnings)
    assert result.provenance["style_transfer"]["films_changed"] == [False]


def test_calibrated_and_oblique_films_are_kept(installed: Any) -> None:
    installed("darker")
    films = (chest_film(calibrated=True), chest_film(40.0), chest_film(90.0))
    result, method = run(Case(films))
    assert [given is film for given, film in zip(method.given.radiographs, films, strict=True)] == [True, True, False]
    assert any("Film 1" in text and "line integrals already" in text for text in result.warnings)
    assert any("Film 2" in text and "neither a frontal nor a lateral" in text for text in result.warnings)


def test_wrong_options_and_methods_are_told(installed: Any) -> None:
    with pytest.raises(InputError, match="true or false"):
        run(Case((chest_film(),)), Options(extra={"style_transfer": "yes"}))
    method = WaterBox()
    method.returns = "pose"  # type: ignore[misc]
    with pytest.raises(InputError, match="switch it off"):
        run_with_style_transfer(method, Case((chest_film(),)), WANTED, silent)


def test_a_bundle_of_another_task_is_refused(tmp_path: Path) -> None:
    bundle = load_bundle(style_bundle(tmp_path / "other", "darker", task="xray2ct"))
    with pytest.raises(InputError, match="does not transfer styles"):
        StyleTransfer(bundle, "cpu")


def test_an_unchanged_square_changes_no_film_and_detail_stays() -> None:
    rng = np.random.default_rng(0)
    image = rng.random((300, 210), dtype=np.float32)
    film = Radiograph(image, geometry(size_px=(210, 300)))
    square = SquareFilm.of(film)
    assert square.image.shape == (96, 96)
    assert square.inner(square.image).shape == (96, 67)
    np.testing.assert_allclose(square.changed_film(image, square.image), image, atol=1e-6)
    brighter = square.changed_film(image, square.image + 0.2)
    np.testing.assert_allclose(brighter - image, 0.2 * square.gain, rtol=1e-4)


def test_the_worker_runs_methods_through_the_transfer() -> None:
    """The one place where Slicer, command line and batch meet."""
    from XRayLib.jobs.requests import methods

    assert methods.run_with_style_transfer is run_with_style_transfer
