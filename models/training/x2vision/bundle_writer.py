"""From a trained prior to a bundle: TorchScript, manifest with parity block, model card."""

from __future__ import annotations

import datetime
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from shared import card_texts
from shared.anatomy import HU_RANGE, LOWEST_HU
from shared.evaluation import markdown_table, mean_metrics
from X2CTReconLib.generative.prior import STYLES, VOLUME, PriorModule
from X2CTReconLib.generative.synthesis import SynthesisNetwork
from XRayLib.bundle import parity_block, parity_inputs, write_manifest

from x2vision.recipe import PriorRecipe

SCRIPT_FILE = "generator.ts"
PARITY_TOLERANCE = {"fp32": 1e-3}
CITATION = (
    "Cafaro A. et al., X2Vision: 3D CT Reconstruction from Biplanar X-Rays with Deep Structure Prior, MICCAI 2023"
)
STYLEGAN = "Karras T. et al., Analyzing and Improving the Image Quality of StyleGAN, CVPR 2020, arXiv 1912.04958"
LIMITATIONS = (
    "Trained on ten patients, deformed at random: a demonstration prior for adult chests, not a model of the "
    "population; the published one learned from 3500 CTs.",
    "Voxels of 13 mm: no ribs, vessels, fissures or nodules. Values are not calibrated HU: no densitometry.",
    "What the films do not determine is the generator's; pathology and devices are not part of it.",
    "The isocentre of the views must lie within the chest, the patient upright in the image.",
    "Not tested on real films with a reference, on children, after surgery, or on other body parts.",
)


def write_bundle(
    module: PriorModule,
    recipe: PriorRecipe,
    folder: Path,
    rows: Sequence[Mapping[str, Any]],
    *,
    version: str,
    commit: str,
) -> dict[str, Any]:
    """Write ``folder`` (named by the bundle's id) and return its manifest; ``rows`` come from ``evaluate_patient``."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest = manifest_of(recipe, folder.name, rows, version=version, commit=commit)
    example = [torch.zeros(tensor["shape"]) for tensor in manifest["inputs"].values()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(module, tuple(example)), str(folder / SCRIPT_FILE))
    manifest["parity"] = _parity(module, manifest)
    (folder / "README.md").write_text(_model_card(manifest, recipe, rows), encoding="utf-8")
    return write_manifest(folder, manifest)


def manifest_of(
    recipe: PriorRecipe, bundle_id: str, rows: Sequence[Mapping[str, Any]], *, version: str, commit: str
) -> dict[str, Any]:
    """The manifest without its parity block."""
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    synthesis = SynthesisNetwork(recipe.channels, recipe.style_width)
    styles = [1, len(synthesis.layers), recipe.style_width]
    inputs = {STYLES: _tensor("styles", "NLC", styles, "style")}
    for number, side in enumerate(synthesis.layer_sides):
        inputs[f"noise_{number}"] = _tensor("noise", "NCDHW", [1, 1, side, side, side], "noise")
    volume = {
        **_tensor("volume", "NCDHW", [1, 1, *[recipe.side] * 3], "HU"),
        "value_range": [0.0, 1.0],
        "scale": HU_RANGE,
        "offset": LOWEST_HU,
        "spacing_mm": [recipe.voxel_mm] * 3,
        "axes": "SAR",
        "origin": "isocenter",
    }
    return {
        "id": bundle_id,
        "version": version,
        "title": "X2Vision generator, chest",
        "task": "volume_prior",
        "methods": ["x2vision"],
        "description": (
            f"3D StyleGAN2 generator of chest volumes, {recipe.side}^3 voxels of {recipe.voxel_mm:.0f} mm: one style "
            "and one noise volume per layer in, HU out, differentiable."
        ),
        "authors": ["The XRay3D authors"],
        "license": "Apache-2.0",
        "code_license": "Apache-2.0",
        "data_source": card_texts.DATA_SOURCE,
        "data_license": card_texts.DATA_LICENSE,
        "references": [CITATION, STYLEGAN],
        "citation": CITATION,
        "intended_use": card_texts.INTENDED_USE,
        "limitations": list(LIMITATIONS),
        "population": card_texts.POPULATION,
        "eval_metrics": mean_metrics(rows, today),
        "created": today,
        "training_code_commit": commit,
        "exporter": {"torch": torch.__version__},
        "files": [{"path": SCRIPT_FILE, "role": "torchscript"}],
        "inputs": inputs,
        "outputs": {VOLUME: volume},
        "runtime": {"min_torch": "2.2", "precision": ["fp32"], "weights_stored_as": "fp32", "dynamic_axes": False},
    }


def _tensor(role: str, layout: str, shape: list[int], quantity: str) -> dict[str, Any]:
    return {"role": role, "dtype": "float32", "layout": layout, "shape": shape, "quantity": quantity}


def _parity(module: PriorModule, manifest: Mapping[str, Any]) -> dict[str, Any]:
    inputs = {
        name: {"pattern": "uniform", "seed": 7 + n, "shape": tensor["shape"], "low": -1.0, "high": 1.0}
        for n, (name, tensor) in enumerate(manifest["inputs"].items())
    }
    tensors = [torch.from_numpy(array) for array in parity_inputs({"inputs": inputs}).values()]
    with torch.no_grad():
        volume = module(*tensors).numpy()
    return parity_block(inputs, {VOLUME: volume}, PARITY_TOLERANCE)


def _model_card(manifest: Mapping[str, Any], recipe: PriorRecipe, rows: Sequence[Mapping[str, Any]]) -> str:
    limits = "\n".join(f"- {text}" for text in manifest["limitations"])
    weights = recipe.weights
    return f"""# {manifest["title"]} ({manifest["id"]} {manifest["version"]})

{manifest["description"]}

**{manifest["intended_use"]}**

## Limits

{limits}

## Network and training

Mapping network of {recipe.mapping_depth} layers, styles of {recipe.style_width} numbers; synthesis with modulated and
demodulated 3D convolutions, channels {", ".join(map(str, recipe.channels))} at 4^3 .. {recipe.side}^3 voxels, one
style and one noise volume per layer, added to the mean training volume. {recipe.iterations} iterations of Adam with
{recipe.batch} volumes each, from {recipe.drawn_count} random deformations of ten CTs: reconstruction of training
volumes from an encoder's styles (voxel L1, {weights.reconstruction:g}, and edges at three scales,
{weights.features:g}, in place of LPIPS), and from iteration {recipe.adversarial_from} also the non-saturating
adversarial loss ({weights.adversarial:g}) with style mixing, lazy R1 and a residual 3D discriminator. Left out of
StyleGAN2: path length regularisation. Encoder and discriminator are not shipped. The script holds mean and standard
deviation of the styles.

## Data

{manifest["data_source"]}

{manifest["data_license"]}

{card_texts.ATTRIBUTION}
## Results on held-out patients

PA and lateral film, method x2vision with default settings, measured {manifest["created"]} on simulated films of
patients that were never trained on; table removed; compared on the CT's own grid and extent. PSNR-3D with range
2500 HU; "legacy" are the definitions of the X2CT-GAN code. The template is the mean of the training volumes around
their middles.

{markdown_table(rows)}

## Citation

{manifest["citation"]}

{STYLEGAN}
"""
