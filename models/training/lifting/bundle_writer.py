"""A trained lifting network as a bundle: graph, manifest with parity block, model card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from shared.anatomy import HU_RANGE, LOWEST_HU
from shared.chest_bundle import chest_card, chest_manifest
from shared.method_evaluation import HELD_OUT_TEXT, calibration_text, metrics_of, table
from shared.run import spent as run_spent
from X2CTReconLib.lifted_views import FULL_LINE_INTEGRAL
from X2CTReconLib.population_atlas import ATLAS_FILE, StoredAtlas, atlas_bytes
from XRayLib.bundle import write_manifest
from XRayLib.ct.tissue_labels import TISSUE_LIMITS_HU

from lifting.export import input_shapes, onnx_network, parity_of
from lifting.network import TISSUES, LiftingNetwork
from lifting.recipe import Recipe

GRAPH_FILE, MEAN_FILE = "network.onnx", "mean.npy"
FILM_PX, FILM_MM = 128, 512.0
METHOD, ATLAS_METHOD = "lifting", "atlas"
CITATION = "The XRay3D authors: geometry-aware lifting network, trained for XRay3D."
DESCRIPTION = (
    "One to eight chest films at any angles and source distances, with their geometry, to a volume with its standard "
    "deviation and tissue. The average of eight chests, brought into one shape before, is deformed and changed until "
    "it projects to the films (also a method of its own, 'atlas'); the network corrects it by 2D features sampled at "
    "perspective-projected voxels, fused over the views and refined by a 3D residual U-Net with global context."
)
LIMITATIONS = (
    "Trained on ten patients: a demonstration prior for adult chests, not a model of the population.",
    "Depth along the beam and everything inside organs is a guess from the training CTs; pathology and devices that a "
    "film shows are not placed reliably in depth, and what it does not show is invented as normal anatomy.",
    "Detail of 6 to 13 mm at best: no vessels, fissures or nodules. Values are not calibrated HU: no densitometry.",
    "The stated deviation was learned on deformed training patients; on others it is too small where their anatomy is "
    "unlike any of them.",
    "Trained with 1 to 3 views, mostly around the patient's long axis and tilted by up to 25 degrees; the geometry "
    "must be right to a few millimetres.",
    "Not tested on children, after surgery, with a situs inversus, or on other body parts.",
)


def write_bundle(
    network: LiftingNetwork,
    recipe: Recipe,
    folder: Path,
    rows: Sequence[Mapping[str, Any]],
    atlas: StoredAtlas,
    *,
    version: str,
    commit: str,
    spent: str,
) -> dict[str, Any]:
    """Write ``folder`` (named by the bundle's id) and return its manifest. ``rows`` come from ``resumed_rows``."""
    folder.mkdir(parents=True, exist_ok=True)
    model = onnx_network(network, FILM_PX, {"id": folder.name, "version": version})
    onnx.save(model, folder / GRAPH_FILE)
    np.save(folder / MEAN_FILE, network.template[0, 0].numpy().astype(np.float16), allow_pickle=False)
    (folder / ATLAS_FILE).write_bytes(atlas_bytes(atlas))
    common = chest_manifest(model, GRAPH_FILE, bundle_id=folder.name, version=version, commit=commit, citation=CITATION)
    manifest = {
        **common,
        "files": [
            *common["files"],
            {"path": MEAN_FILE, "role": "template"},
            {"path": ATLAS_FILE, "role": "data"},
        ],
        "title": "Geometry-aware lifting, chest, any views",
        "methods": [METHOD, ATLAS_METHOD],
        "description": DESCRIPTION,
        "limitations": list(LIMITATIONS),
        "eval_metrics": metrics_of(rows, METHOD, common["created"]),
        "runtime": {**common["runtime"], "dynamic_axes": True},
        "inputs": _inputs(network, recipe),
        "outputs": _outputs(recipe),
        "geometry": {
            "source_to_isocenter_mm": list(recipe.room.source_mm),
            "convention": "any angles; films resampled to the plane through the isocentre across its ray, rows to feet",
        },
        "parity": parity_of(network, FILM_PX),
    }
    results = [HELD_OUT_TEXT.format(date=common["created"]), table(rows), calibration_text(rows, METHOD)]
    card = chest_card(manifest, _training_text(network, recipe, spent), results if rows else ())
    (folder / "README.md").write_text(card, encoding="utf-8")
    return write_manifest(folder, manifest)


def _inputs(network: LiftingNetwork, recipe: Recipe) -> dict[str, Any]:
    shapes = input_shapes(network, "views", FILM_PX)
    voxel_mm = recipe.edge_mm / recipe.side
    common = {"dtype": "float32", "missing": "required"}
    return {
        "films": {
            **common,
            "role": "films",
            "layout": "NCHW",
            "shape": shapes["films"],
            "quantity": "relative_attenuation",
            "intensity": {
                "kind": "line_integral_share_or_percentile_gamma",
                "params": {"full_line_integral": FULL_LINE_INTEGRAL, "channels": ["value", "seen", "calibrated"]},
            },
            "spacing_mm": [FILM_MM / FILM_PX] * 2,
            "plane": "isocenter",
        },
        "projections": {
            **common,
            "role": "projections",
            "layout": "NCDHW",
            "shape": shapes["projections"],
            "quantity": "film_coordinates",
            "value_range": [-1.0, 1.0],
            "spacing_mm": [voxel_mm] * 3,
            "axes": "SAR",
        },
        "rays": {
            **common,
            "role": "rays",
            "layout": "NCDHW",
            "shape": shapes["rays"],
            "quantity": "ray_geometry",
            "spacing_mm": [2 * voxel_mm] * 3,
            "axes": "SAR",
        },
        "start": {
            **common,
            "role": "start",
            "layout": "NCDHW",
            "shape": shapes["start"],
            "quantity": "HU",
            "value_range": [0.0, 1.0],
            "scale": HU_RANGE,
            "offset": LOWEST_HU,
            "spacing_mm": [voxel_mm] * 3,
            "axes": "SAR",
            "origin": "isocenter",
        },
    }


def _outputs(recipe: Recipe) -> dict[str, Any]:
    fine = {
        "dtype": "float32",
        "layout": "NCDHW",
        "shape": [1, 1, *[2 * recipe.side] * 3],
        "value_range": [0.0, 1.0],
        "scale": HU_RANGE,
        "spacing_mm": [recipe.edge_mm / recipe.side / 2] * 3,
        "axes": "SAR",
        "origin": "isocenter",
    }
    return {
        "volume": {**fine, "role": "volume", "quantity": "HU", "offset": LOWEST_HU},
        "deviation": {**fine, "role": "uncertainty", "quantity": "HU_sd"},
        "tissue": {
            "role": "tissue",
            "dtype": "float32",
            "layout": "NCDHW",
            "shape": [1, TISSUES, *[recipe.side] * 3],
            "quantity": "probability",
            "spacing_mm": [recipe.edge_mm / recipe.side] * 3,
            "axes": "SAR",
            "origin": "isocenter",
        },
    }


def _training_text(network: LiftingNetwork, recipe: Recipe, spent: str) -> str:
    parameters = sum(p.numel() for p in network.parameters()) / 1e6
    air, lung, soft = TISSUE_LIMITS_HU
    coarse, calibrated = 100 * recipe.coarse_share, 100 * recipe.exposure.calibrated_share
    before = "" if recipe.start_from is None else f" (after {run_spent(recipe.start_from)} with a plainer start)"
    return f"""\
{parameters:.1f} M parameters. Film features at 1/2, 1/4 and 1/8 of {FILM_PX} x {FILM_PX} pixels (channels
{", ".join(map(str, recipe.widths.film))}) are sampled at the projections of the voxels of a {recipe.side}^3 grid of
{recipe.edge_mm:.0f} mm; with depth, ray direction, magnification and ray length in the cube, the back-projection (mean
and least over the views), the training patients' mean, and the atlas deformed and changed until it projects to the
films, which the volume is a change of. Mean, deviation and largest over the views; U-Net
(channels {", ".join(map(str, recipe.widths.volume))}) with self-attention at its coarsest level. Linear interpolation
to {2 * recipe.side}^3. Calibrated films enter as absolute line integrals, others normalised by percentiles and a power
law.

Atlas: groupwise registration of the eight chest CTs (smooth B-splines, squared difference of HU), averaged; 128^3.
Deformed to films by Gauss-Newton with the size of deformations that patients of a population need. A training patient
starts at the atlas of the others. The stated deviation of the method 'atlas' is the root mean square of what such
atlases of others were off after their fit to two exact films, and how far the given films leave the deformation open.

Losses: absolute and squared voxel difference, 3-D gradient, cone-beam DRR, Dice and cross entropy of air (below
{air:.0f} HU), lung (to {lung:.0f}), soft tissue (to {soft:.0f}) and bone, Gaussian likelihood of the variance. Adam;
{spent} of {recipe.batch} patients each{before}, on a small share of one processor core; the first {coarse:.0f} % of
{recipe.minutes:.0f} planned minutes on half the grid; average of the weights. Every sample: random affine and B-spline
deformation of a CT, 1 to 3 views at random angles {recipe.room.source_mm[0]:.0f} to {recipe.room.source_mm[1]:.0f} mm
from the source; {calibrated:.0f} % of them calibrated, the others through scatter, display curves and noise;
collimation, small errors of geometry."""
