"""CycleGAN: networks, pool, a short run on drawn films, and its bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")
yaml = pytest.importorskip("yaml")

import cv2  # noqa: E402
from cyclegan.discriminator import PatchDiscriminator  # noqa: E402
from cyclegan.films import REAL_VARIATION, UnpairedFilms, Variation, varied_crop  # noqa: E402
from cyclegan.finished_run import export_bundle, held_out_pairs, trained_generator  # noqa: E402
from cyclegan.generator import TransferGenerator  # noqa: E402
from cyclegan.image_pool import ImagePool  # noqa: E402
from cyclegan.recipe import read_transfer_recipe  # noqa: E402
from cyclegan.train import train  # noqa: E402
from films_to_transfer import chest_film  # noqa: E402
from XRayLib.bundle import load_bundle  # noqa: E402
from XRayLib.ct import Volume, save_volume  # noqa: E402
from XRayLib.errors import InputError  # noqa: E402
from XRayLib.phantom import torso_phantom  # noqa: E402
from XRayLib.runtime import verify_bundle  # noqa: E402
from XRayLib.style_transfer.square_film import SIDE  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_an_untrained_generator_returns_the_film() -> None:
    film = torch.rand(1, 1, SIDE, SIDE, generator=seeded()) * 0.9 + 0.05
    torch.testing.assert_close(TransferGenerator()(film), film, rtol=1e-4, atol=1e-4)


def test_the_shipped_size_is_small() -> None:
    assert sum(p.numel() for p in TransferGenerator().parameters()) * 4 < 3_000_000


def test_a_patch_of_the_discriminator_is_70_pixels_wide() -> None:
    torch.manual_seed(0)
    judge = PatchDiscriminator(4)
    for layer in judge.modules():
        if isinstance(layer, torch.nn.InstanceNorm2d):
            layer.eval()
            layer.forward = lambda features: features  # type: ignore[method-assign]
    film = torch.rand(1, 1, 160, 160, generator=seeded()).requires_grad_()
    judge(film)[0, 0, 9, 9].backward()
    rows = torch.nonzero(film.grad[0, 0].abs().sum(dim=1)).ravel()
    assert int(rows.max() - rows.min()) + 1 == 70


def test_the_pool_gives_back_earlier_images() -> None:
    pool = ImagePool(5, seeded())
    given = [torch.full((1, 1, 2, 2), float(n)) for n in range(60)]
    returned = [float(pool.exchanged(image).mean()) for image in given]
    assert returned[:5] == [0, 1, 2, 3, 4]
    assert any(value < n for n, value in enumerate(returned))
    assert sum(value == n for n, value in enumerate(returned[5:], 5)) == pytest.approx(27, abs=12)


def test_crops_show_the_film_and_repeat_with_their_seed() -> None:
    film = np.tile(np.linspace(0, 1, 144, dtype=np.float32), (144, 1))
    still = Variation(zoom=(1.0, 1.0), shift=0.0, rotation_deg=0.0)
    whole = varied_crop(film, still, np.random.default_rng(0))
    assert whole.shape == (SIDE, SIDE)
    assert whole[:, 0].mean() == pytest.approx(0, abs=0.02)
    assert whole[:, -1].mean() == pytest.approx(1, abs=0.02)
    enlarged = varied_crop(film, Variation((2.0, 2.0), 0.0, 0.0), np.random.default_rng(0))
    assert np.ptp(enlarged[48]) == pytest.approx(0.5, abs=0.03)
    films = {"frontal": np.stack([film, film.T]), "lateral": np.stack([1 - film])}
    first, again = (list(UnpairedFilms(films, films, 4, 0)) for _ in range(2))
    for one, other in zip(first, again, strict=True):
        assert torch.equal(one["real"], other["real"])
    assert not torch.equal(first[0]["real"], first[1]["real"])
    assert varied_crop(film, REAL_VARIATION, np.random.default_rng(1)).dtype == np.float32


def recipe_file(folder: Path, **changes: Any) -> Path:
    """Two pairs of drawn films, one of them held out, and one CT."""
    (folder / "films").mkdir(exist_ok=True)
    (folder / "ct").mkdir(exist_ok=True)
    for pair in ("pair1", "pair2"):
        for ending, angle in (("front", 0.0), ("lat", 90.0)):
            film = chest_film(angle).line_integral
            grey = np.uint8(255 * np.clip(film / film.max(), 0, 1))
            cv2.imwrite(str(folder / "films" / f"{pair}_{ending}.png"), grey)
    torso = torso_phantom(4, 6.0).ct
    save_volume(Volume(torso.voxels, torso.ijk_to_ras), folder / "ct" / "torso.nii.gz")
    content = {
        "name": "cyclegan-small",
        "output": "runs/small",
        "data": "ct",
        "patients": {"torso.nii.gz": 1.0},
        "films": "films",
        "pairs": ["pair1"],
        "iterations": 4,
        "width": 4,
        "blocks": 1,
        "discriminator_width": 4,
        "simulated_count": 2,
        "learning_rate": 0.002,
        "checkpoint_every": 2,
        "threads": 1,
        **changes,
    }
    file = folder / "cyclegan-small.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


def test_a_run_goes_on_and_becomes_a_measured_bundle(tmp_path: Path) -> None:
    file = recipe_file(tmp_path)
    train(file)
    recipe_file(tmp_path, iterations=6)
    train(file, resume=True)
    recipe = read_transfer_recipe(file)
    assert int(torch.load(recipe.output / "last.ckpt", weights_only=True)["state_dict"]["iteration"]) == 6
    film = torch.rand(1, 1, SIDE, SIDE, generator=seeded()) * 0.9 + 0.05
    assert (trained_generator(recipe)(film) - film).abs().max() > 1e-4
    assert held_out_pairs(recipe) == ["pair2"]
    manifest = export_bundle(file, tmp_path / "cyclegan-small")
    bundle = load_bundle(tmp_path / "cyclegan-small")
    assert verify_bundle(bundle, "cpu").passed
    assert bundle.task == "style_transfer"
    assert bundle.manifest["license"].startswith("CC-BY-NC-SA")
    metrics = {entry["metric"]: entry for entry in manifest["eval_metrics"]}
    moved = next(entry for name, entry in metrics.items() if "displacement" in name)
    assert 0 <= moved["value"] < 0.5
    residual = next(entry for name, entry in metrics.items() if "residual" in name)
    assert residual["value"] == pytest.approx(residual["baseline_value"], abs=0.2)
    card = (tmp_path / "cyclegan-small" / "README.md").read_text()
    assert "pair2 frontal" in card and "non-commercial" in card


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    file = recipe_file(tmp_path)
    with pytest.raises(InputError, match="nothing to export"):
        export_bundle(file, tmp_path / "cyclegan-small")
    with pytest.raises(InputError, match="no checkpoint to resume"):
        train(file, resume=True)
    recipe_file(tmp_path, pairs=["pair9"])
    with pytest.raises(InputError, match="pair9_front"):
        train(file)
