"""The benchmark's processes answer as it expects, and its rows say what was measured."""

from __future__ import annotations

from pathlib import Path

import pytest
from XRayLib.bundle import Bundle
from XRayLib.errors import XRay3DError
from XRayLib.runtime import benchmark

KEYS = {"bench", "case", "value", "unit", "peer", "peer_value", "ratio", "floor", "threads", "device"}


@pytest.mark.parametrize("kind", ["bundle", "graph"])
def test_contender_runs_in_its_own_process(bundle: Bundle, kind: str) -> None:
    path = bundle.folder if kind == "bundle" else bundle.file("graph")
    contender = benchmark._Contender(["XRayLib.runtime.benchmark_child", kind, str(path), "1"])
    assert 0 < contender.run() < 60
    end = contender.finish()
    assert 10 < end["peak_mb"] < 1000
    assert end.get("parity_error", 0.0) < 1e-5


def test_contender_that_dies_is_told(tmp_path: Path) -> None:
    contender = benchmark._Contender(["XRayLib.runtime.benchmark_child", "graph", str(tmp_path / "none.onnx"), "1"])
    with pytest.raises(XRay3DError, match="ended early"):
        contender.run()
    with pytest.raises(XRay3DError, match="ended early"):
        contender.finish()


def test_rows_compare_the_export_with_each_peer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class StandIn:
        def __init__(self, words: list[str]) -> None:
            self.seconds = 8.0 if "eager" in words else 4.0 if "plain.onnx" in words[-2] else 2.0

        def run(self) -> float:
            return self.seconds

        def finish(self) -> dict:
            return {"peak_mb": 100 * self.seconds, "parity_error": 1e-5}

    monkeypatch.setattr(benchmark, "_Contender", StandIn)
    rows = list(benchmark._published_size(2, tmp_path))
    assert all(set(row) == KEYS for row in rows)
    times = [row for row in rows if row["unit"] == "s"]
    assert [(row["value"], row["peer_value"], row["ratio"]) for row in times] == [(2.0, 8.0, 0.25), (2.0, 4.0, 0.5)]
    assert all(row["floor"] > 0 for row in times)
    assert [row["ratio"] for row in rows if row["unit"] == "MB"] == [0.25, 0.5]
