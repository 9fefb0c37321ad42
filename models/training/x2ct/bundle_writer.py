"""From a trained run to a bundle: graph, manifest with parity block, model card."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx
import torch
from shared import card_texts
from shared.anatomy import HU_RANGE, LOWEST_HU
from shared.chest_bundle import chest_card, chest_manifest
from shared.evaluation import markdown_table, mean_metrics
from XRayLib.bundle import parity_block, parity_inputs, write_manifest

from x2ct.decoder import LEVEL_CHANNELS
from x2ct.export_generator import onnx_generator
from x2ct.generator import X2CTGenerator
from x2ct.recipe import Recipe

SIZE = 128
PARITY_TOLERANCE = {"fp32": 1e-3, "tf32": 1e-2, "fp16": 5e-2}
GRAPH_FILE = "network.onnx"

TITLES = {"cnn": "X2CT-CNN", "gan": "X2CT-GAN"}
VIEW_TITLES = {1: "chest, PA view", 2: "chest, PA and lateral view"}


def write_bundle(
    generator: X2CTGenerator,
    recipe: Recipe,
    folder: Path,
    rows: Sequence[Mapping[str, Any]],
    *,
    version: str,
    commit: str,
    iterations: str,
) -> dict[str, Any]:
    """Write ``folder`` (named by the bundle's id) and return its manifest.

    ``rows`` come from ``evaluate_patient``, ``iterations`` says in words what was trained.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kind = "cnn" if recipe.discriminator_width is None else "gan"
    model = onnx_generator(generator, half_weights=True, metadata={"id": folder.name, "version": version})
    onnx.save(model, folder / GRAPH_FILE)
    common = chest_manifest(
        model, GRAPH_FILE, bundle_id=folder.name, version=version, commit=commit, citation=card_texts.CITATION
    )
    manifest = {
        **common,
        "title": f"{TITLES[kind]}, {VIEW_TITLES[len(recipe.views)]}",
        "methods": [f"x2ct-{kind}"],
        "description": _description(kind, recipe),
        "eval_metrics": mean_metrics(rows, common["created"]),
        "inputs": {role: film_tensor(role, recipe.edge_mm) for role in recipe.views},
        "outputs": {"volume": volume_tensor(recipe.edge_mm)},
        "geometry": film_geometry(recipe.views, recipe.room.source_mm),
        "parity": _parity(generator, recipe),
    }
    (folder / "README.md").write_text(_model_card(manifest, recipe, rows, iterations), encoding="utf-8")
    return write_manifest(folder, manifest)


def _description(kind: str, recipe: Recipe) -> str:
    films = "a PA and a lateral film" if len(recipe.views) == 2 else "a PA film"
    loss = "voxel and projection losses" if kind == "cnn" else "voxel, projection and least-squares GAN losses"
    return (
        f"Generator of X2CT (Ying et al. 2019) at a reduced width, from {films} to a {SIZE}^3 volume of "
        f"{recipe.edge_mm:.0f} mm edge around the isocentre; trained with {loss}."
    )


def film_tensor(role: str, edge_mm: float) -> dict[str, Any]:
    """Manifest entry of a standard film resampled to the plane through the isocentre."""
    return {
        "role": role,
        "dtype": "float32",
        "layout": "NCHW",
        "shape": [1, 1, SIZE, SIZE],
        "quantity": "relative_attenuation",
        "value_range": [0.0, 1.0],
        "intensity": {"kind": "percentile_gamma", "params": {"low": 1.0, "high": 99.5, "body_median": 0.5}},
        "spacing_mm": [edge_mm / SIZE] * 2,
        "plane": "isocenter",
        "axes": {"frontal": "IL", "lateral": "IP"}[role],
        "missing": "required",
    }


def volume_tensor(edge_mm: float) -> dict[str, Any]:
    """Manifest entry of a volume along (inferior, posterior, left)."""
    return {
        "role": "volume",
        "dtype": "float32",
        "layout": "NCDHW",
        "shape": [1, 1, SIZE, SIZE, SIZE],
        "quantity": "HU",
        "value_range": [0.0, 1.0],
        "scale": HU_RANGE,
        "offset": LOWEST_HU,
        "spacing_mm": [edge_mm / SIZE] * 3,
        "axes": "IPL",
        "origin": "isocenter",
    }


def film_geometry(views: Sequence[str], source_mm: Sequence[float]) -> dict[str, Any]:
    """Manifest entry of the acquisition that standard films stand for."""
    return {
        "n_views": len(views),
        "view_angles_deg": [[{"frontal": 0, "lateral": 90}[role], 0] for role in views],
        "source_to_isocenter_mm": list(source_mm),
        "convention": "DICOM positioner angles; films resampled to the plane through the isocentre",
    }


def _parity(generator: X2CTGenerator, recipe: Recipe) -> dict[str, Any]:
    """Expected output of PyTorch, written-out formulation, with the weights as they are stored."""
    stored = copy.deepcopy(generator).eval()
    with torch.no_grad():
        for parameter in stored.parameters():
            if parameter.dim() > 1:
                parameter.copy_(parameter.half().float())
    inputs = {
        role: {"pattern": "waves", "seed": 7 + n, "shape": [1, 1, SIZE, SIZE]} for n, role in enumerate(recipe.views)
    }
    films = [torch.from_numpy(x) for x in parity_inputs({"inputs": inputs}).values()]
    with torch.no_grad():
        volume = stored.published(*films).volume.numpy()
    return parity_block(inputs, {"volume": volume}, PARITY_TOLERANCE)


def _model_card(manifest: Mapping[str, Any], recipe: Recipe, rows: Sequence[Mapping[str, Any]], iterations: str) -> str:
    channels = ", ".join(map(str, recipe.level_channels or ()))
    side = 4 * 2 ** (len(recipe.level_channels or LEVEL_CHANNELS) - 1)
    interpolated = f", interpolated linearly to {SIZE}^3" if side < SIZE else ""
    training = f"""\
Encoder width {recipe.width} of the published one, 3D channels {channels} at 4^3 .. {side}^3 voxels{interpolated};
published dense-block depths, connections and loss weights. {iterations} Films are drawn on the fly: random affine and
B-spline deformation of the CT, source distance {recipe.room.source_mm[0]:.0f} to {recipe.room.source_mm[1]:.0f} mm,
AP and right lateral, angle and position errors, scatter, display curves, noise, collimation. Inputs are normalised by
percentiles and a power law, so films without calibration can be used."""
    results = f"""\
Measured {manifest["created"]} on simulated films of patients that were never trained on (they were looked at to choose
between variants of the network); table removed; compared on the CT's own grid and extent. PSNR-3D with range 2500 HU;
"legacy" are the definitions of the original code (peak 4095, slice means). The template is the mean of the training
volumes around their middles."""
    return chest_card(manifest, training, [results, markdown_table(rows)])
