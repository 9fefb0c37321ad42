"""Samples, recipes and a training run that is interrupted and goes on; a few seconds on a made-up patient."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")
pytest.importorskip("yaml")

from shared.anatomy import RoomVariation, rotation  # noqa: E402
from shared.films import FilmVariation, field_of_view, varied  # noqa: E402
from shared.patients import Patient  # noqa: E402
from shared.warp import warped  # noqa: E402
from x2ct.module import X2CTTraining, set_trained  # noqa: E402
from x2ct.recipe import Recipe, Stage, read_recipe  # noqa: E402
from x2ct.synthesis import Synthesis  # noqa: E402
from x2ct.train import train  # noqa: E402
from XRayLib.ct import Volume, save_volume  # noqa: E402
from XRayLib.errors import InputError  # noqa: E402

SMALL = {"width": 1 / 32, "level_channels": (4, 4, 2, 2, 2, 2)}

STILL = RoomVariation(
    log_scale=0.0,
    rotation_deg=(0.0, 0.0, 0.0),
    shift_mm=(0.0, 0.0, 0.0),
    deformation_mm=0.0,
    angle_deg=0.0,
    film_shift_mm=0.0,
    film_log_scale=0.0,
    film_rotation_deg=0.0,
    reversed_share=0.0,
    extend_share=0.0,
    source_mm=(1e6, 1.0001e6),
)
UNTOUCHED = FilmVariation(plain_share=1.0, collimated_share=0.0, narrow_share=0.0)


def patient() -> Patient:
    """A box of water 120 x 80 x 160 mm (R, A, S) with a bone rod at left, anterior, superior; 2 mm voxels."""
    hu = np.full((100, 70, 80), -1000, np.int16)
    hu[10:90, 15:55, 10:70] = 0
    hu[60:80, 45:50, 15:25] = 1000
    return Patient("box", hu, hu > -500)


def test_a_still_sample_shows_the_same_anatomy_in_volume_and_films():
    sample = Synthesis([patient()], 256.0, 32, room=STILL, film=UNTOUCHED).draw(np.random.default_rng(0))
    k, j, i = (np.median(axis) for axis in np.nonzero(sample.volume > 0.6))
    assert k < 16  # superior
    assert j < 16  # anterior
    assert i > 16  # left
    frontal, lateral = sample.films
    assert np.abs(np.array(np.unravel_index(frontal.argmax(), frontal.shape)) - [k, i]).max() <= 2
    assert np.abs(np.array(np.unravel_index(lateral.argmax(), lateral.shape)) - [k, j]).max() <= 2
    assert sample.volume.min() == pytest.approx(24 / 2500, abs=1e-3)
    assert (sample.weight == 1).all()


def test_anatomy_that_is_extended_beyond_the_ct_counts_less():
    room = RoomVariation(extend_share=1.0, extended_weight=0.15)
    sample = Synthesis([patient()], 320.0, 32, room=room).draw(np.random.default_rng(1))
    assert set(np.unique(sample.weight)) == {np.float32(0.15), np.float32(1.0)}
    assert sample.weight[16].mean() == 1
    assert sample.weight[0].mean() < 1


def test_samples_repeat_with_their_seed_and_differ_otherwise():
    synthesis = Synthesis([patient()], 256.0, 32)
    first, again, other = (synthesis.draw(np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.films, again.films)
    assert np.abs(first.volume - other.volume).mean() > 1e-3


def test_warp_by_identity_returns_the_volume_and_by_a_shift_moves_it():
    volume = np.random.default_rng(0).integers(-1000, 1000, (9, 9, 9)).astype(np.int16)
    still, shifted = np.zeros((4, 4, 4, 3)), np.zeros((4, 4, 4, 3))
    shifted[..., 0] = 2.0
    cube, covered = warped(volume, 9, np.eye(3), np.zeros(3), still, False, -1000.0)
    np.testing.assert_allclose(cube, volume, atol=1e-2)
    assert covered.all()
    cube, covered = warped(volume, 9, np.eye(3), np.zeros(3), shifted, False, -1000.0)
    np.testing.assert_allclose(cube[:7], volume[2:], atol=1e-2)
    assert (cube[7:] == -1000).all()
    assert not covered[7:].any()


def test_rotation_about_superior_turns_the_axial_plane():
    turned = rotation(np.array([0.0, 0.0, 90.0])) @ [5.0, 1.0, 0.0]  # (k, j, i)
    assert turned[0] == pytest.approx(5.0)
    assert np.abs(turned[1:]) == pytest.approx([0.0, 1.0], abs=1e-12)


def test_films_vary_but_stay_finite_and_in_their_field():
    rng = np.random.default_rng(3)
    image = np.linspace(0, 6, 32 * 32, dtype=np.float32).reshape(32, 32)
    variation = FilmVariation(plain_share=0.0)
    films = [varied(image, variation, rng) for _ in range(30)]
    assert all(np.isfinite(film).all() for film, _ in films)
    assert np.std([film.mean() for film, _ in films]) > 0.01
    shares = [field_of_view((32, 32), FilmVariation(narrow_share=1.0), rng).mean() for _ in range(20)]
    assert 0.15 < min(shares) < max(shares) < 0.75


def test_freezing_below_a_level_leaves_only_that_level_and_the_head():
    recipe = Recipe("r", Path("out"), Path("data"), {}, (Stage(1),), **SMALL)
    generator = X2CTTraining(recipe).generator
    set_trained(generator, 5, 5)
    trained = {name for name, p in generator.named_parameters() if p.requires_grad}
    assert trained
    assert all(".4." in name or name.startswith("fusion_head") for name in trained)
    assert not any("encoder" in name or "bridge" in name for name in trained)


RECIPE = """
name: tiny
output: out
data: {data}
patients: {{box.nii.gz: 1.0}}
edge_mm: 256.0
width: 0.03125
level_channels: [4, 4, 2, 2, 2, 2]
discriminator_width: 0.03125
checkpoint_every: 2
threads: 1
stages:
  - {{levels: 1, iterations: {iterations}}}
"""


def write_recipe(folder: Path, iterations: int) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(RECIPE.format(data=folder, iterations=iterations))
    return path


def iteration_of(checkpoint: Path) -> int:
    return int(torch.load(checkpoint, map_location="cpu", weights_only=True)["state_dict"]["iteration"])


def test_a_run_trains_stops_and_goes_on_from_its_checkpoint(tmp_path):
    box = patient()
    save_volume(Volume.axis_aligned(box.hu.astype(np.float32), (2.0, 2.0, 2.0)), tmp_path / "box.nii.gz")
    checkpoint = train(write_recipe(tmp_path, 2))
    assert iteration_of(checkpoint) == 2
    before = torch.load(checkpoint, map_location="cpu", weights_only=True)["state_dict"]
    assert iteration_of(train(write_recipe(tmp_path, 4), resume=True)) == 4
    after = torch.load(checkpoint, map_location="cpu", weights_only=True)["state_dict"]
    moved = [k for k in before if k.startswith("generator.") and not torch.equal(before[k], after[k])]
    assert moved


def test_nothing_to_resume_is_said(tmp_path):
    with pytest.raises(InputError, match="no checkpoint"):
        train(write_recipe(tmp_path, 2), resume=True)


@pytest.mark.parametrize(
    ("text", "words"),
    [("nme: x", "nme"), ("name: x", "Incomplete"), ("- 1", "list of"), ("name: [", "cannot be read")],
)
def test_recipes_with_mistakes_are_explained(tmp_path, text, words):
    (tmp_path / "r.yaml").write_text(text)
    with pytest.raises(InputError, match=words):
        read_recipe(tmp_path / "r.yaml")


def test_the_shipped_recipes_train_on_licensed_patients_only(repository, monkeypatch, tmp_path):
    monkeypatch.setenv("XRAY3D_DATA", str(tmp_path))
    held_out = {"chest_lidc0580", "chest_lung1_001", "chest_lung1_002", "chest_rider0109", "abdomen_kits00136"}
    recipes = sorted((repository / "models" / "training" / "recipes").glob("x2ct-*.yaml"))
    assert recipes
    for path in recipes:
        recipe = read_recipe(path)
        assert not held_out & {name.split(".")[0] for name in recipe.patients}
