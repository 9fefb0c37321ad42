"""A finished training run of the network of Henzler et al.: its bundle; what ``xray3d export`` runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import onnx
import torch
from shared.chest_bundle import chest_card, chest_manifest
from shared.half_weights import as_stored, exported
from shared.method_evaluation import (
    FILM_SETS,
    HELD_OUT_TEXT,
    Contender,
    FilmSet,
    metrics_of,
    table,
    written_and_measured,
)
from shared.run import averaged_weights, spent
from x2ct.bundle_writer import film_geometry, film_tensor, volume_tensor
from X2CTReconLib.canonical import FRONTAL
from X2CTReconLib.henzler import Henzler
from XRayLib.bundle import parity_block, parity_inputs, write_manifest

from henzler.network import HenzlerNetwork
from henzler.recipe import Recipe, read_recipe

GRAPH_FILE = "network.onnx"
PARITY_TOLERANCE = {"fp32": 2e-3, "tf32": 2e-2, "fp16": 5e-2}
ONE_VIEW = tuple(s for s in FILM_SETS if len(s.primary_deg) == 1)
DESCRIPTION = (
    "Network of Henzler et al. 2018 at a reduced width: one PA film to depth slices by a residual 2D encoder-decoder, "
    "sharpened with the film, as a 128^3 volume of 416 mm edge around the isocentre."
)


def averaged_network(recipe: Recipe) -> HenzlerNetwork:
    """The running average of the weights in the run's last checkpoint, ready for inference."""
    network = HenzlerNetwork(torch.zeros((recipe.side // 2,) * 3), tuple(recipe.channels))
    network.load_state_dict(averaged_weights(recipe.output))
    return network.eval()


def export_bundle(
    recipe_path: str | Path,
    folder: str | Path,
    held_out: Sequence[Path] = (),
    *,
    version: str = "1.0.0",
    commit: str = "0000000",
    film_sets: Sequence[FilmSet] = ONE_VIEW,
) -> dict[str, Any]:
    """Write the run's bundle into ``folder``; with held-out CT files, measure it there by the method itself."""
    recipe, folder = read_recipe(Path(recipe_path)), Path(folder)
    write = partial(
        write_bundle,
        averaged_network(recipe),
        recipe,
        folder,
        version=version,
        commit=commit,
        spent=spent(recipe.output),
    )
    contenders = (Contender(Henzler.id, False, folder), Contender("x2ct-cnn"))
    return written_and_measured(write, recipe, held_out, film_sets, contenders)


def write_bundle(
    network: HenzlerNetwork,
    recipe: Recipe,
    folder: Path,
    rows: Sequence[Mapping[str, Any]],
    *,
    version: str,
    commit: str,
    spent: str,
) -> dict[str, Any]:
    """Write ``folder`` (named by the bundle's id) and return its manifest. ``rows`` come from ``measured``."""
    folder.mkdir(parents=True, exist_ok=True)
    film = torch.rand(1, 1, recipe.side, recipe.side)
    model = exported(network, [film], [FRONTAL], ["volume"], {"id": folder.name, "version": version})
    onnx.save(model, folder / GRAPH_FILE)
    common = chest_manifest(
        model, GRAPH_FILE, bundle_id=folder.name, version=version, commit=commit, citation=Henzler.citation
    )
    manifest = {
        **common,
        "title": "Single-image tomography, chest, PA view",
        "methods": [Henzler.id],
        "description": DESCRIPTION,
        "eval_metrics": metrics_of(rows, Henzler.id, common["created"]),
        "inputs": {FRONTAL: film_tensor(FRONTAL, recipe.edge_mm)},
        "outputs": {"volume": volume_tensor(recipe.edge_mm)},
        "geometry": film_geometry((FRONTAL,), recipe.room.source_mm),
        "parity": _parity(network, recipe),
    }
    results = [HELD_OUT_TEXT.format(date=common["created"]), table(rows)] if rows else ()
    (folder / "README.md").write_text(
        chest_card(manifest, _training_text(network, recipe, spent), results), encoding="utf-8"
    )
    return write_manifest(folder, manifest)


def _parity(network: HenzlerNetwork, recipe: Recipe) -> dict[str, Any]:
    """PyTorch's answer with the weights as they are stored."""
    inputs = {FRONTAL: {"pattern": "waves", "seed": 7, "shape": [1, 1, recipe.side, recipe.side]}}
    film = torch.from_numpy(parity_inputs({"inputs": inputs})[FRONTAL])
    with torch.inference_mode():
        volume = as_stored(network)(film).numpy()
    return parity_block(inputs, {"volume": volume}, PARITY_TOLERANCE)


def _training_text(network: HenzlerNetwork, recipe: Recipe, spent: str) -> str:
    parameters = sum(p.numel() for p in network.parameters()) / 1e6
    half = recipe.side // 2
    return f"""\
{parameters:.1f} M parameters (published: 9.1 M): residual bottleneck blocks of {", ".join(map(str, recipe.channels))}
channels at {half}^2 .. {half // 2 ** (len(recipe.channels) - 1)}^2 pixels, additive skips, {half} depth slices of
{half}^2 pixels added to the training patients' mean, then fusion of each slice with the film at {recipe.side}^2. Group
instead of batch normalisation. Squared voxel difference; Adam; {spent} of {recipe.batch} films each on a small
share of one processor core, the first {100 * recipe.coarse_share:.0f} % of the time
without fusion; average of the weights. Films as for X2CT: random affine and B-spline deformation of the CT, source
distance, angle and position errors, scatter, display curves, noise, collimation."""
