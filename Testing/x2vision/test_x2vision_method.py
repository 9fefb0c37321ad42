"""X2Vision on films of volumes that its generator can make."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from steered_chests import films, generator, installed, sampled  # noqa: E402
from X2CTReconLib.generative.film_misfit import FilmMisfit  # noqa: E402
from X2CTReconLib.generative.prior import GenerativePrior  # noqa: E402
from X2CTReconLib.generative.settings import PriorSettings  # noqa: E402
from x2vision.bundle_writer import manifest_of  # noqa: E402
from XRayLib.bundle import Bundle, write_manifest  # noqa: E402
from XRayLib.case import Case, Options, Result  # noqa: E402
from XRayLib.ct import Volume  # noqa: E402
from XRayLib.errors import CancelledError, InputError, MissingDependencyError  # noqa: E402
from XRayLib.metrics.intensity import psnr_3d  # noqa: E402
from XRayLib.radiograph import Radiograph  # noqa: E402
from XRayLib.registry import method  # noqa: E402
from XRayLib.runtime import verify_bundle  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bundle]:
    folder = tmp_path_factory.mktemp("x2vision")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XRAY3D_MODELS", str(folder / "models"))
        yield installed(folder)


@pytest.fixture(scope="module")
def prior(bundle: Bundle) -> GenerativePrior:
    return GenerativePrior(generator(), bundle.manifest)


def run(bundle: Bundle, case: Case, progress: Any = lambda fraction, stage: None, **extra: Any) -> Result:
    x2vision = method("x2vision")
    x2vision.check(case)
    return x2vision.run(case, Options(device="cpu", bundle=bundle.id, extra=extra), progress)


def gained_db(truth: Volume, prior: GenerativePrior, result: Result) -> float:
    """PSNR-3D of the result over that of the generator's mean."""
    mean = 1000 * (prior.mean_water().numpy() - 1)
    return psnr_3d(truth.voxels, result.volume.voxels) - psnr_3d(truth.voxels, mean)


def residuals(result: Result, of: str) -> float:
    return float(np.mean([value for name, value in result.quality.items() if name.startswith(f"{of}_residual_")]))


@pytest.mark.parametrize(
    ("angles_deg", "secondary_deg", "least_db"),
    [([0.0], 0.0, 6.0), ([0.0, 90.0], 0.0, 10.0), ([-40.0, 25.0, 70.0, 130.0], 20.0, 10.0)],
    ids=["one view", "two views", "four oblique views"],
)
def test_the_volume_is_found(
    bundle: Bundle, prior: GenerativePrior, angles_deg: list[float], secondary_deg: float, least_db: float
) -> None:
    truth = sampled(prior)
    result = run(bundle, Case(films(truth, angles_deg, secondary_deg)), steps=60)
    assert gained_db(truth, prior, result) > least_db
    assert residuals(result, "reprojection") < residuals(result, "prior") / 3
    assert result.quality["style_deviations"] < 2
    assert result.volume.quantity == "HU"
    assert result.volume.voxels.min() >= -1000


def test_the_volume_is_where_the_films_look(bundle: Bundle, prior: GenerativePrior) -> None:
    truth = sampled(prior)
    shift = np.array([150.0, -80.0, 40.0])
    motion = np.eye(4)
    motion[:3, 3] = -shift
    there = tuple(replace(film, geometry=film.geometry.moved(motion)) for film in films(truth, [0.0, 90.0]))
    here = run(bundle, Case(films(truth, [0.0, 90.0])), steps=3)
    moved = run(bundle, Case(there), steps=3)
    np.testing.assert_allclose(moved.volume.center_ras_mm - here.volume.center_ras_mm, shift, atol=1e-3)
    np.testing.assert_allclose(moved.volume.voxels, here.volume.voxels, atol=1.0)


def test_films_of_unknown_exposure_do_too(bundle: Bundle, prior: GenerativePrior) -> None:
    truth = sampled(prior)
    raw = tuple(Radiograph(40 * film.line_integral + 7, film.geometry) for film in films(truth, [0.0, 90.0]))
    result = run(bundle, Case(raw), steps=60)
    assert gained_db(truth, prior, result) > 4
    assert any("unknown gain" in text for text in result.warnings)


def test_likelihood_holds_styles_and_noise(bundle: Bundle, prior: GenerativePrior) -> None:
    case = Case(films(sampled(prior, 2), [0.0, 90.0]))
    free = run(bundle, case, style_weight=0, colinearity_weight=0, noise_weight=0, steps=30)
    held = run(bundle, case, style_weight=1e4, steps=30)
    silent = run(bundle, case, noise_weight=1e6, steps=30)
    assert held.quality["style_deviations"] < 0.5 * free.quality["style_deviations"]
    assert silent.provenance["noise_rms"] < 0.5 * free.provenance["noise_rms"]
    turned = run(bundle, case, colinearity_weight=1000.0, steps=30)
    assert turned.provenance["loss"]["last"]["colinearity"] < free.provenance["loss"]["last"]["colinearity"]


def test_data_consistency_follows(bundle: Bundle, prior: GenerativePrior) -> None:
    truth = sampled(prior, 2)
    case = Case(films(truth, [0.0, 90.0]))
    result = run(bundle, case, steps=5, consistent=True)
    assert residuals(result, "reprojection") < 0.8 * result.quality["reprojection_residual_before_1"]
    assert any("data consistency" in text for text in result.warnings)


def test_the_result_says_how_it_came_about(bundle: Bundle, prior: GenerativePrior) -> None:
    told: list[tuple[float, str]] = []
    result = run(bundle, Case(films(sampled(prior), [0.0])), lambda *each: told.append(each), steps=4)
    assert [fraction for fraction, _ in told] == sorted(fraction for fraction, _ in told)
    assert sum(stage == "Matching the X-rays" for _, stage in told) == 4
    assert result.provenance["bundle"]["sha256"] == bundle.sha256
    assert result.provenance["settings"]["steps"] == 4
    assert any("ten CTs" in text for text in result.warnings)
    assert result.uncertainty is None


def test_cancel_ends_it(bundle: Bundle, prior: GenerativePrior) -> None:
    def cancelled(_fraction: float, stage: str) -> None:
        if stage == "Matching the X-rays":
            raise CancelledError("Cancelled.")

    with pytest.raises(CancelledError):
        run(bundle, Case(films(sampled(prior), [0.0])), cancelled)


def test_films_of_something_else_are_refused(bundle: Bundle, prior: GenerativePrior) -> None:
    (film,) = films(sampled(prior), [0.0])
    inverted = Radiograph(film.line_integral.max() - film.line_integral, film.geometry)
    with pytest.raises(InputError, match="does not show the body part"):
        run(bundle, Case((inverted,)))


def test_rays_that_leave_through_the_ends_do_not_count(prior: GenerativePrior) -> None:
    """The body goes on beyond the volume's ends; what a ray meets there is unknown."""
    truth, matrix = sampled(prior), prior.ijk_to_ras(np.zeros(3))
    (film,) = films(truth, [0.0])

    def squared_residual(rows: slice) -> float:
        image = film.line_integral.copy()
        image[rows] += 5
        spoiled = Radiograph(image, film.geometry, calibrated=True)
        misfit = FilmMisfit([spoiled], prior.mean_water(), matrix)
        return float(misfit(torch.from_numpy(1 + truth.voxels / 1000))[0])

    end, middle = (squared_residual(rows) for rows in (slice(0, 1), slice(28, 29)))
    assert squared_residual(slice(0, 0)) < 0.01
    assert end < middle / 4


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"stepps": 3}, "stepps"),
        ({"steps": 2.5}, "type int"),
        ({"steps": 0}, "greater"),
        ({"noise_weight": -1}, "greater"),
    ],
)
def test_wrong_settings_are_refused(values: dict, told: str) -> None:
    with pytest.raises(InputError, match=told):
        PriorSettings.from_mapping(values)


def test_weights_are_the_published_ones() -> None:
    settings = PriorSettings.from_mapping({})
    assert (settings.style_weight, settings.colinearity_weight, settings.noise_weight) == (0.1, 0.05, 10.0)
    assert settings.steps == 100


def test_without_pytorch_the_user_is_told_how_to_get_it(
    bundle: Bundle, prior: GenerativePrior, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = Case(films(sampled(prior), [0.0]))
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingDependencyError, match="PyTorch extension"):
        run(bundle, case)


def test_another_bundle_is_refused(bundle: Bundle, prior: GenerativePrior, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no generator of volumes"):
        GenerativePrior(generator(), {**bundle.manifest, "outputs": {}})
    case = Case(films(sampled(prior), [0.0]))
    with pytest.raises(InputError, match="not made for X2Vision"):
        method("x2vision").run(case, Options(bundle="x2ct-cnn-chest-2view"), lambda fraction, stage: None)


def test_a_bundle_of_torchscript_alone_is_verified_and_complete(bundle: Bundle, tmp_path: Path) -> None:
    assert verify_bundle(bundle, "cpu").passed
    runtime = {"precision": ["fp32"]}
    with pytest.raises(InputError, match="runtime"):
        write_manifest(bundle.folder, {**bundle.manifest, "runtime": runtime})


def test_the_manifest_tells_the_training(tmp_path: Path) -> None:
    from steered_chests import recipe

    manifest = manifest_of(recipe(tmp_path), "x2vision-test", [], version="1.0.0", commit="0000000")
    assert manifest["inputs"]["styles"]["shape"] == [1, 5, 6]
    assert [manifest["inputs"][f"noise_{n}"]["shape"][-1] for n in range(5)] == [4, 8, 8, 16, 16]
    assert manifest["outputs"]["volume"]["spacing_mm"] == [25.0] * 3
