"""The bundles in the repository: complete, small, and right on this computer."""

from __future__ import annotations

from pathlib import Path

import pytest
from XRayLib.bundle import installed_cards, load_bundle
from XRayLib.bundle.card import Card
from XRayLib.bundle.onnx_graph import summarize_onnx
from XRayLib.runtime import verify_bundle

MODELS = Path(__file__).resolve().parents[2] / "models"
SHIPPED = sorted(file.parent for file in MODELS.glob("*/model.json"))
MAX_FILE_BYTES = 15_000_000
MAX_TOTAL_BYTES = 60_000_000


def test_there_are_bundles_and_they_are_found(user_models: Path) -> None:
    assert SHIPPED
    assert set(installed_cards()) == {folder.name for folder in SHIPPED}
    assert not user_models.exists()


def test_weights_fit_into_the_extension() -> None:
    sizes = [e["size_bytes"] for folder in SHIPPED for e in load_bundle(folder).manifest["files"]]
    assert max(sizes) <= MAX_FILE_BYTES
    assert sum(sizes) <= MAX_TOTAL_BYTES


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_bundle_is_complete_and_computes_what_it_should(folder: Path) -> None:
    bundle = load_bundle(folder)
    assert bundle.id == folder.name
    assert (folder / "README.md").read_text(encoding="utf-8").strip()
    if bundle.has("torchscript"):
        pytest.importorskip("torch")
    else:
        graph = summarize_onnx(bundle.read("graph"), "graph")
        assert graph.opset <= 20 and graph.ir_version <= 10
    card = Card.from_manifest(bundle.manifest)
    assert card.metrics and card.limitations and card.license
    report = verify_bundle(bundle, "cpu")
    assert report.passed, report.checks
