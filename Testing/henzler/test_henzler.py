"""Single-image tomography: its network, a short run that becomes a bundle, and the method on it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")
pytest.importorskip("onnx")
pytest.importorskip("yaml")

from henzler.finished_run import export_bundle, write_bundle  # noqa: E402
from henzler.network import HenzlerNetwork  # noqa: E402
from henzler.recipe import Recipe, read_recipe  # noqa: E402
from henzler.train import train  # noqa: E402
from XRayLib.bundle import load_bundle  # noqa: E402
from XRayLib.case import Case, Options  # noqa: E402
from XRayLib.ct import Volume, save_volume  # noqa: E402
from XRayLib.errors import InputError  # noqa: E402
from XRayLib.geometry import XRayGeometry  # noqa: E402
from XRayLib.radiograph import Radiograph  # noqa: E402
from XRayLib.registry import method  # noqa: E402
from XRayLib.runtime import verify_bundle  # noqa: E402

CHANNELS = (8, 8, 16)

RECIPE = """
name: tiny
output: run/out
data: {data}
patients: {{chest_box.nii.gz: 1.0}}
minutes: {minutes:.9f}
coarse_share: {coarse_share}
batch: 1
channels: [8, 8, 16]
checkpoint_every: 2
"""


def small_network(side: int = 32) -> HenzlerNetwork:
    """Random weights everywhere: zero ones would hide what they multiply."""
    torch.manual_seed(0)
    network = HenzlerNetwork(torch.rand((side // 2,) * 3), CHANNELS).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return network


def progress(_fraction: float, _stage: str) -> None:
    """Nobody is watching."""


def film(primary_deg: float) -> Radiograph:
    geometry = XRayGeometry.from_c_arm(
        primary_angle_deg=primary_deg,
        secondary_angle_deg=0.0,
        source_to_detector_mm=1020.0,
        source_to_isocenter_mm=700.0,
        size_px=(96, 96),
        pixel_spacing_mm=(6.0, 6.0),
        isocenter_ras_mm=(10.0, -20.0, 30.0),
    )
    rows, columns = np.mgrid[-1:1:96j, -1:1:96j]
    return Radiograph(np.clip(3 - 3 * (rows**2 + columns**2), 0, 9).astype(np.float32), geometry, calibrated=True)


def test_without_what_it_learned_the_answer_is_the_template():
    template = torch.rand(16, 16, 16)
    network = HenzlerNetwork(template, CHANNELS)
    coarse = network.coarse(torch.rand(2, 1, 32, 32))
    torch.testing.assert_close(coarse[1, 0], template)
    volume = network(torch.rand(2, 1, 32, 32))
    assert volume.shape == (2, 1, 32, 32, 32)
    expected = torch.nn.functional.interpolate(template[None, None], scale_factor=2, mode="trilinear")
    torch.testing.assert_close(volume[:1], expected)


def test_rows_and_columns_of_the_volume_are_the_films():
    """A change at one place of the film changes what lies behind it most: axes 0 and 2, at every depth."""
    network = small_network()
    plain = torch.full((1, 1, 32, 32), 0.5)
    marked = plain.clone()
    marked[0, 0, 8, 20] = 3.0
    change = (network(marked) - network(plain)).detach().abs()[0, 0]
    behind = change[7:10, :, 19:22].mean()
    assert float(behind) > 3 * float(change.mean())


def test_the_fusion_sees_every_slice_alike():
    network = small_network()
    volume, image = torch.rand(1, 1, 32, 32, 32), torch.rand(1, 1, 32, 32)
    turned = network._sharpened(volume.flip(3), image)
    torch.testing.assert_close(turned, network._sharpened(volume, image).flip(3))


def box_patient(folder: Path) -> None:
    hu = np.full((60, 50, 60), -1000, np.float32)
    hu[10:50, 15:40, 10:50] = 0
    save_volume(Volume.axis_aligned(hu, (4.0, 4.0, 4.0)), folder / "chest_box.nii.gz")


def write_recipe(folder: Path, minutes: float, coarse_share: float) -> Path:
    path = folder / "henzler-tiny.yaml"
    path.write_text(RECIPE.format(data=folder, minutes=minutes, coarse_share=coarse_share))
    return path


def state_of(checkpoint: Path) -> dict:
    return torch.load(checkpoint, map_location="cpu", weights_only=True)["state_dict"]


def test_a_run_trains_goes_on_and_becomes_a_verified_bundle(tmp_path):
    box_patient(tmp_path)
    before = state_of(train(write_recipe(tmp_path, 1e-5, 1.0)))
    assert int(before["iteration"]) == 1
    assert not before["network.fusion.2.bias"].any()
    recipe = write_recipe(tmp_path, float(before["seconds"]) / 60 + 1e-5, 0.0)
    after = state_of(train(recipe, resume=True))
    assert int(after["iteration"]) == 2
    assert after["network.fusion.2.bias"].any()
    folder = tmp_path / "models" / "henzler-tiny"
    assert export_bundle(recipe, folder, version="0.1.0", commit="abcdef0")["methods"] == ["henzler"]
    assert "2 updates" in (folder / "README.md").read_text()
    assert verify_bundle(load_bundle(folder), "cpu").passed


@pytest.fixture(scope="module")
def small_bundle(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "small-henzler"
    recipe = Recipe("s", Path("o"), Path("d"), {}, 1.0, edge_mm=384.0, channels=CHANNELS)
    write_bundle(small_network(128), recipe, folder, (), version="0.1.0", commit="abcdef0", spent="nothing")
    return folder


def test_a_film_becomes_a_volume_around_the_isocentre(small_bundle, monkeypatch):
    monkeypatch.setenv("XRAY3D_MODELS", str(small_bundle.parent))
    options = Options(device="cpu", bundle="small-henzler")
    result = method("henzler").run(Case((film(0.0),)), options, progress)
    assert result.volume.voxels.shape == (128, 128, 128)
    np.testing.assert_allclose(result.volume.center_ras_mm, [10.0, -20.0, 30.0], atol=1e-6)
    assert result.volume.voxels.std() > 1
    assert any("One film" in warning for warning in result.warnings)
    with pytest.raises(InputError, match="frontal"):
        method("henzler").run(Case((film(90.0),)), options, progress)
    with pytest.raises(InputError, match="needs 1 X-ray"):
        method("henzler").check(Case((film(0.0), film(90.0))))


def test_the_shipped_recipe_trains_on_licensed_patients_only(repository, monkeypatch, tmp_path):
    monkeypatch.setenv("XRAY3D_DATA", str(tmp_path))
    held_out = {"chest_lidc0580", "chest_lung1_001", "chest_lung1_002", "chest_rider0109", "abdomen_kits00136"}
    recipe = read_recipe(repository / "models" / "training" / "recipes" / "henzler-chest-1view.yaml")
    assert not held_out & {name.split(".")[0] for name in recipe.patients}


def test_the_default_bundle_is_shipped_and_better_than_the_mean_patient(repository):
    manifest = json.loads((repository / "models" / method("henzler").default_bundles[1] / "model.json").read_text())
    assert manifest["methods"] == ["henzler"]
    (measured,) = [entry for entry in manifest["eval_metrics"] if entry["metric"] == "psnr_3d"]
    assert measured["value"] > measured["baseline_value"]
