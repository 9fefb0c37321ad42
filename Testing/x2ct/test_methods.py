"""X2CT methods from a case to a result, on a bundle made by the exporter and on the shipped ones."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from XRayLib.case import Case, Options
from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry, assumed_film_geometry
from XRayLib.radiograph import Radiograph
from XRayLib.radiograph.lateral_facing import facing_corrected
from XRayLib.registry import method


def film(primary: float, seed: int = 0) -> Radiograph:
    """A smooth random film of a C-arm with its isocentre at (10, -20, 30)."""
    geometry = XRayGeometry.from_c_arm(
        primary_angle_deg=primary,
        secondary_angle_deg=0.0,
        source_to_detector_mm=1020.0,
        source_to_isocenter_mm=700.0,
        size_px=(96, 96),
        pixel_spacing_mm=(6.0, 6.0),
        isocenter_ras_mm=(10.0, -20.0, 30.0),
    )
    rows, columns = np.mgrid[-1:1:96j, -1:1:96j]
    phase = np.random.default_rng(seed).uniform(0, 3, 2)
    image = np.clip(3 - 3 * (rows**2 + columns**2) + np.cos(5 * rows + phase[0]) * np.sin(4 * columns + phase[1]), 0, 9)
    return Radiograph(image.astype(np.float32), geometry, calibrated=True)


def progress(_fraction: float, _stage: str) -> None:
    """Nobody is watching."""


@pytest.fixture(scope="module")
def small_bundle(tmp_path_factory) -> Path:
    """A two-view bundle with random weights, in a folder of the user's models."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnx")
    from x2ct import X2CTGenerator
    from x2ct.bundle_writer import write_bundle
    from x2ct.recipe import Recipe, Stage

    torch.manual_seed(0)
    channels = (8, 8, 4, 4, 4, 4)
    generator = X2CTGenerator(2, 1 / 16, channels).eval()
    torch.nn.init.constant_(generator.head.conv.bias, 0.3)
    recipe = Recipe(
        "small", Path("o"), Path("d"), {}, (Stage(1),), edge_mm=384.0, width=1 / 16, level_channels=channels
    )
    folder = tmp_path_factory.mktemp("models") / "small-two-view"
    write_bundle(generator, recipe, folder, [], version="0.1.0", commit="abcdef0", iterations="None.")
    return folder


def test_a_written_bundle_passes_its_own_parity(small_bundle):
    from XRayLib.bundle import load_bundle
    from XRayLib.runtime import verify_bundle

    assert all(check.passed for check in verify_bundle(load_bundle(small_bundle), "cpu").checks)


def test_a_case_becomes_a_volume_around_the_isocentre(small_bundle, monkeypatch):
    monkeypatch.setenv("XRAY3D_MODELS", str(small_bundle.parent))
    case = Case((film(90.0, 1), film(0.0)))
    result = method("x2ct-cnn").run(case, Options(device="cpu", bundle="small-two-view"), progress)
    assert result.volume.voxels.shape == (128, 128, 128)
    assert result.volume.spacing_mm == pytest.approx((3.0, 3.0, 3.0))
    np.testing.assert_allclose(result.volume.center_ras_mm, [10.0, -20.0, 30.0], atol=1e-6)
    assert result.volume.voxels.min() >= -1000
    assert [v.reprojection.shape for v in result.views] == [(96, 96), (96, 96)]
    assert any("pathology" in w for w in result.warnings)
    provenance = json.loads(json.dumps(result.provenance))
    assert provenance["bundle"]["id"] == "small-two-view"
    assert [v["role"] for v in provenance["views"]] == ["frontal", "lateral"]
    swapped = method("x2ct-cnn").run(
        Case(case.radiographs[::-1]), Options(device="cpu", bundle="small-two-view"), progress
    )
    np.testing.assert_array_equal(swapped.volume.voxels, result.volume.voxels)


@pytest.mark.parametrize(
    ("method_id", "views", "words"), [("x2ct-cnn", 1, "takes 2 view"), ("x2ct-gan", 2, "not made for X2CT-GAN")]
)
def test_a_bundle_that_does_not_fit_is_refused(small_bundle, monkeypatch, method_id, views, words):
    monkeypatch.setenv("XRAY3D_MODELS", str(small_bundle.parent))
    case = Case((film(0.0), film(90.0))[:views])
    with pytest.raises(InputError, match=words):
        method(method_id).run(case, Options(device="cpu", bundle="small-two-view"), progress)


def test_the_default_bundles_are_shipped_and_say_what_the_method_expects(repository):
    for method_id in ("x2ct-cnn", "x2ct-gan"):
        for views, bundle_id in method(method_id).default_bundles.items():
            manifest = json.loads((repository / "models" / bundle_id / "model.json").read_text())
            assert method_id in manifest["methods"]
            assert len(manifest["inputs"]) == views
            volume = manifest["outputs"]["volume"]
            assert (volume["axes"], volume["scale"], volume["offset"]) == ("IPL", 2500.0, -1024.0)
            assert manifest["files"][0]["size_bytes"] < 15e6
            assert manifest["eval_metrics"]
            for entry in manifest["eval_metrics"]:
                if entry["metric"] == "psnr_3d":
                    assert entry["value"] > entry["baseline_value"]


def lateral_print(facing_right: bool, view: str) -> Radiograph:
    image = np.zeros((40, 30), np.float32)
    return Radiograph(image + facing_right, assumed_film_geometry(view, (30, 40)))


def test_a_mirrored_print_of_assumed_geometry_is_turned_over(monkeypatch):
    def evidence(image, _mask=None):
        return 2.0 if image.max() > 0.5 else -2.0

    monkeypatch.setattr("XRayLib.radiograph.lateral_facing.facing_right", evidence)
    right_as_left = lateral_print(True, "LL")
    (used,), warnings = facing_corrected((right_as_left,))
    np.testing.assert_allclose(used.geometry.column_direction, [0, 1, 0], atol=1e-12)
    assert "mirrored" in warnings[0]
    for agreeing in (lateral_print(True, "RL"), lateral_print(False, "LL")):
        assert facing_corrected((agreeing,)) == ((agreeing,), ())
    measured = dataclasses.replace(right_as_left, geometry=dataclasses.replace(right_as_left.geometry, assumed=()))
    assert facing_corrected((measured,)) == ((measured,), ())
