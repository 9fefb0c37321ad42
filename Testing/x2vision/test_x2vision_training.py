"""A short training on a made-up patient: it learns, goes on after an interruption, and becomes a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")
yaml = pytest.importorskip("yaml")

from x2vision.finished_run import export_bundle, trained_prior  # noqa: E402
from x2vision.recipe import read_prior_recipe  # noqa: E402
from x2vision.train import train  # noqa: E402
from x2vision.volumes import drawn_volumes  # noqa: E402
from XRayLib.bundle import load_bundle  # noqa: E402
from XRayLib.ct import Volume, save_volume  # noqa: E402
from XRayLib.errors import InputError  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")

SMALL = {
    "name": "x2vision-small",
    "output": "runs/small",
    "data": "ct",
    "patients": {"box.nii.gz": 1.0},
    "iterations": 120,
    "adversarial_from": 115,
    "batch": 2,
    "edge_mm": 320.0,
    "channels": [16, 12],
    "discriminator_channels": [4, 6],
    "style_width": 8,
    "mapping_depth": 2,
    "learning_rate": 0.03,
    "drawn_count": 12,
    "checkpoint_every": 15,
    "threads": 1,
}


def recipe_file(folder: Path, **changes: Any) -> Path:
    """A recipe with a box of water that holds bone on one side and lung on the other."""
    (folder / "ct").mkdir(exist_ok=True)
    hu = np.full((40, 36, 40), -1000, np.float32)
    hu[5:35, 8:28, 5:35] = 0
    hu[10:30, 12:24, 8:18] = -800
    hu[10:30, 14:20, 26:31] = 900
    save_volume(Volume.axis_aligned(hu, (6.0, 6.0, 6.0)), folder / "ct" / "box.nii.gz")
    file = folder / "x2vision-small.yaml"
    file.write_text(yaml.safe_dump({**SMALL, **changes}))
    return file


def test_volumes_are_drawn_once_and_differ(tmp_path: Path) -> None:
    recipe = read_prior_recipe(recipe_file(tmp_path))
    volumes = drawn_volumes(recipe)
    assert volumes.shape == (12, 8, 8, 8)
    assert volumes.min() >= 0 and volumes.max() <= 1
    assert np.abs(volumes[0] - volumes[1]).mean() > 1e-3
    np.testing.assert_array_equal(drawn_volumes(recipe), volumes)


def test_a_run_learns_goes_on_and_is_exported(tmp_path: Path) -> None:
    file = recipe_file(tmp_path)
    recipe = read_prior_recipe(file)
    volumes = torch.from_numpy(drawn_volumes(recipe))[:, None]
    train(file)
    checkpoint = torch.load(recipe.output / "last.ckpt", map_location="cpu", weights_only=True)["state_dict"]
    assert int(checkpoint["iteration"]) == 120
    from x2vision.module import PriorTraining

    module = PriorTraining(recipe)
    module.load_state_dict(checkpoint)
    with torch.no_grad():
        silence = [torch.zeros_like(n) for n in module.synthesis.noise(len(volumes))]
        made = module.synthesis(module.encoder(volumes), *silence)
    assert (made - volumes).abs().mean() < 0.9 * (volumes.mean(dim=0) - volumes).abs().mean()
    recipe_file(tmp_path, iterations=135)
    train(file, resume=True)
    assert int(torch.load(recipe.output / "last.ckpt", weights_only=True)["state_dict"]["iteration"]) == 135
    manifest = export_bundle(file, tmp_path / "x2vision-small")
    bundle = load_bundle(tmp_path / "x2vision-small")
    assert manifest["task"] == bundle.task == "volume_prior"
    assert bundle.manifest["inputs"]["styles"]["shape"] == [1, 3, 8]
    assert not bundle.has("graph")
    prior = trained_prior(read_prior_recipe(file))
    assert prior.style_deviation.min() > 0
    assert "ten CTs" in (tmp_path / "x2vision-small" / "README.md").read_text()


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    file = recipe_file(tmp_path)
    with pytest.raises(InputError, match="nothing to export"):
        export_bundle(file, tmp_path / "x2vision-small")
    with pytest.raises(InputError, match="no checkpoint to resume"):
        train(file, resume=True)
    recipe_file(tmp_path, patients={"nobody.nii.gz": 1.0})
    with pytest.raises(InputError, match=r"nobody\.nii\.gz"):
        train(file)
    recipe_file(tmp_path, widht=3)
    with pytest.raises(InputError, match="widht"):
        train(file)
