"""A finished CycleGAN run as a bundle, measured on the real films that it was not trained on; ``xray3d export``."""

from __future__ import annotations

import datetime
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx
import torch
from shared import card_texts
from shared.run import averaged_weights
from XRayLib.bundle import load_bundle, parity_block, parity_inputs, write_manifest
from XRayLib.style_transfer.square_film import HIGH_PERCENTILE, LOW_PERCENTILE, SIDE

from cyclegan.card import CITATION, FILMS_LICENSE, FILMS_SOURCE, LIMITATIONS, metrics_of, model_card
from cyclegan.films import FILE_ENDING
from cyclegan.generator import TransferGenerator
from cyclegan.measures import film_measures
from cyclegan.recipe import TransferRecipe, read_transfer_recipe
from cyclegan.train import kept_simulated_films

GRAPH_FILE = "network.onnx"
OPSET = 17
FILM, STYLED = "film", "styled"
PARITY_TOLERANCE = {"fp32": 1e-3, "tf32": 1e-2, "fp16": 5e-2}


def trained_generator(recipe: TransferRecipe) -> TransferGenerator:
    """The running average of the generator from real to simulated films in the run's last checkpoint."""
    generator = TransferGenerator(recipe.width, recipe.blocks)
    generator.load_state_dict(averaged_weights(recipe.output))
    return generator.eval().requires_grad_(False)


def export_bundle(
    recipe_path: str | Path,
    folder: str | Path,
    _held_out: Sequence[Path] = (),
    *,
    version: str = "1.0.0",
    commit: str = "0000000",
) -> dict[str, Any]:
    """Write the bundle into ``folder`` and return its manifest.

    It is measured on the pairs in the recipe's folder of films that the recipe does not train on; CTs held out are not
    needed.
    """
    recipe, folder = read_transfer_recipe(Path(recipe_path)), Path(folder)
    generator = trained_generator(recipe)
    folder.mkdir(parents=True, exist_ok=True)
    _save_graph(generator, folder / GRAPH_FILE)
    manifest = _manifest(generator, onnx.load(folder / GRAPH_FILE), folder.name, version, commit)
    (folder / "README.md").write_text(manifest["title"] + "\n", encoding="utf-8")
    write_manifest(folder, {**manifest, "eval_metrics": []})
    pairs = held_out_pairs(recipe)
    rows = list(film_measures(load_bundle(folder), recipe.films, pairs, kept_simulated_films(recipe))) if pairs else []
    complete = {**manifest, "eval_metrics": metrics_of(rows, manifest["created"])}
    (folder / "README.md").write_text(model_card(complete, recipe, rows), encoding="utf-8")
    return write_manifest(folder, complete)


def held_out_pairs(recipe: TransferRecipe) -> list[str]:
    """Names of the complete pairs in the folder of films that are not trained on."""
    found = [{f.name.partition("_")[0] for f in recipe.films.glob(f"*_{ending}.*")} for ending in FILE_ENDING.values()]
    return sorted(set.intersection(*found) - set(recipe.pairs))


def _save_graph(generator: TransferGenerator, file: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            generator,
            (torch.full((1, 1, SIDE, SIDE), 0.5),),
            str(file),
            opset_version=OPSET,
            dynamo=False,
            input_names=[FILM],
            output_names=[STYLED],
        )


def _manifest(
    generator: TransferGenerator, graph: onnx.ModelProto, bundle_id: str, version: str, commit: str
) -> dict[str, Any]:
    shape = [1, 1, SIDE, SIDE]
    tensor: Mapping[str, Any] = {
        "role": "film",
        "dtype": "float32",
        "layout": "NCHW",
        "shape": shape,
        "quantity": "relative_attenuation",
        "value_range": [0.0, 1.0],
    }
    intensity = {"kind": "percentile", "params": {"low": LOW_PERCENTILE, "high": HIGH_PERCENTILE}}
    inputs = {FILM: {"pattern": "waves", "seed": 7, "shape": shape}}
    (film,) = parity_inputs({"inputs": inputs}).values()
    with torch.no_grad():
        styled = generator(torch.from_numpy(film)).numpy()
    return {
        "id": bundle_id,
        "version": version,
        "title": "CycleGAN, real chest films to simulated ones",
        "task": "style_transfer",
        "description": (
            f"Generator of CycleGAN from real chest films to simulated ones, {SIDE} x {SIDE} pixels: its change of "
            "tone is interpolated to the film, whose detail stays."
        ),
        "authors": ["The XRay3D authors"],
        "license": "CC-BY-NC-SA-4.0",
        "code_license": "Apache-2.0",
        "data_source": f"{FILMS_SOURCE} {card_texts.DATA_SOURCE}",
        "data_license": f"{FILMS_LICENSE} {card_texts.DATA_LICENSE.partition(' No non-commercial')[0]}",
        "references": [CITATION],
        "citation": CITATION,
        "intended_use": card_texts.INTENDED_USE,
        "limitations": list(LIMITATIONS),
        "created": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "training_code_commit": commit,
        "exporter": {"torch": torch.__version__, "onnx": onnx.__version__},
        "files": [{"path": GRAPH_FILE, "role": "graph"}],
        "inputs": {FILM: {**tensor, "intensity": intensity}},
        "outputs": {STYLED: {**tensor}},
        "runtime": {
            "min_onnxruntime": "1.23",
            "opset": OPSET,
            "ir_version": graph.ir_version,
            "precision": ["fp32"],
            "weights_stored_as": "fp32",
            "dynamic_axes": False,
        },
        "parity": parity_block(inputs, {STYLED: styled}, PARITY_TOLERANCE),
    }
