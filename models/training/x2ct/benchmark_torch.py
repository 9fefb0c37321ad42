"""PyTorch's part of the benchmark of the published size: ``python -m x2ct.benchmark_torch KIND VIEWS FOLDER THREADS``.

"write" puts the export (a bundle) and a plain ONNX export of the same random network into the folder; "eager" runs the
published formulation.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from XRayLib.runtime.benchmark_child import answer_runs

from x2ct.export import export_bundle
from x2ct.export_generator import FILM_SIDE, INPUT_NAMES, OUTPUT_NAME
from x2ct.generator import X2CTGenerator

BUNDLE_NAME = "published-size"


class _Published(nn.Module):
    """The formulation of the paper, with the outputs nobody uses left to the exporter to find."""

    def __init__(self, generator: X2CTGenerator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, *films: Tensor) -> Tensor:
        """(1, 1, 128, 128) per view -> (1, 1, 128, 128, 128)."""
        return self.generator.published(*films).volume


def published_generator(views: int) -> X2CTGenerator:
    """The network of the paper with random weights, the same in every process."""
    torch.manual_seed(0)
    return X2CTGenerator(views, width=1.0).eval()


def write(views: int, folder: Path) -> None:
    """Both ONNX files of the same network."""
    generator = published_generator(views)
    export_bundle(generator, folder / BUNDLE_NAME, _manifest(views), tolerance={"fp32": 1e-2})
    names = list(INPUT_NAMES[:views])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Published(generator),
            tuple(_films(views)),
            str(folder / "plain.onnx"),
            opset_version=17,
            dynamo=False,
            do_constant_folding=False,  # takes gigabytes here; ONNX Runtime folds when it loads
            input_names=names,
            output_names=[OUTPUT_NAME],
        )
    answer_runs(lambda: None)


def eager(views: int) -> None:
    """Answer runs of the published formulation."""
    generator, films = published_generator(views), _films(views)
    with torch.inference_mode():
        answer_runs(lambda: generator.published(*films))


def _films(views: int) -> list[Tensor]:
    return [torch.rand(1, 1, FILM_SIDE, FILM_SIDE) for _ in range(views)]


def _manifest(views: int) -> dict[str, Any]:
    film = {"dtype": "float32", "layout": "NCHW", "shape": [1, 1, FILM_SIDE, FILM_SIDE]}
    volume = {**film, "layout": "NCDHW", "shape": [1, 1, FILM_SIDE, FILM_SIDE, FILM_SIDE]}
    return {
        "version": "1.0.0",
        "title": "X2CT at its published size, random weights",
        "task": "benchmark",
        "description": "The generator of Ying et al. 2019 with random weights.",
        "authors": ["The XRay3D authors"],
        "license": "Apache-2.0",
        "data_source": "none",
        "data_license": "none",
        "intended_use": "Benchmark.",
        "limitations": ["It computes nothing of use."],
        "eval_metrics": [],
        "created": "2026-11-20",
        "inputs": {n: {"role": n, "quantity": "relative_attenuation", **film} for n in INPUT_NAMES[:views]},
        "outputs": {OUTPUT_NAME: {"role": "volume", "quantity": "HU", **volume}},
    }


if __name__ == "__main__":
    kind, view_count, target, threads = sys.argv[1:]
    torch.set_num_threads(int(threads))
    if kind == "write":
        write(int(view_count), Path(target))
    else:
        eager(int(view_count))
