"""The model card and measured metrics of a style network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shared import card_texts
from XRayLib.style_transfer.anatomy_check import LARGEST_MOVE_PX, LEAST_EDGE_CORRELATION

from cyclegan.measures import mean_of
from cyclegan.recipe import TransferRecipe

CITATION = (
    "Zhu J.-Y. et al., Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks, ICCV 2017, "
    "arXiv 1703.10593"
)
FILMS_SOURCE = (
    "Real films: PA and lateral chest films of five patients from covid-chestxray-dataset (Cohen J. P. et al., arXiv "
    "2006.11988). Simulated films:"
)
FILMS_LICENSE = (
    "covid-chestxray-dataset: CC BY-NC-SA, therefore these weights are for non-commercial use and are passed on under "
    "the same terms."
)
LIMITATIONS = (
    "Trained on ten real films of five patients: it knows hardly any of the ways in which films are processed.",
    "Upright frontal and lateral chest films only; adults.",
    "It changes tones, it does not measure: transferred films are no line integrals.",
    f"Anatomy is compared before and after at every use: a film is kept as it is when a tile moves by more than "
    f"{LARGEST_MOVE_PX:g} of {96} pixels or edges agree by less than {LEAST_EDGE_CORRELATION:g}. Smaller motions, and "
    "structure too faint to be an edge, are not seen by that check.",
)


def metrics_of(rows: Sequence[Mapping[str, Any]], date: str) -> list[dict[str, Any]]:
    """The manifest's ``eval_metrics``: after the transfer, beside the untouched film."""
    if not rows:
        return []
    about = {"dataset": "held-out real chest films, PA and lateral", "n": len({row["pair"] for row in rows})}
    beside = {"baseline": "without transfer", "date": date}
    named = (
        ("tone", "Wasserstein-1 distance of grey values from simulated films"),
        ("texture", "log ratio of fine detail to that of simulated films"),
        ("residual", "re-projection residual of X2CT-CNN"),
    )
    entries = [
        {
            **about,
            "metric": text,
            "value": round(mean_of(rows, name, 1), 4),
            "unit": "1",
            "baseline_value": round(mean_of(rows, name, 0), 4),
            **beside,
        }
        for name, text in named
    ]
    moved = {"metric": "largest displacement of anatomy (95th percentile of tiles)", "unit": "px"}
    value = round(max(row["moved_px"] for row in rows), 3)
    return [*entries, {**about, **moved, "value": value, "baseline_value": 0.0, **beside}]


def model_card(manifest: Mapping[str, Any], recipe: TransferRecipe, rows: Sequence[Mapping[str, Any]]) -> str:
    """Text of README.md."""
    limits = "\n".join(f"- {text}" for text in manifest["limitations"])
    structure = (
        f"\n+ {recipe.structure_weight:g} structure (1 - local correlation of a film with its transfer; ours)"
        if recipe.structure_weight
        else ""
    )
    return f"""# {manifest["title"]} ({manifest["id"]} {manifest["version"]})

{manifest["description"]}

**{manifest["intended_use"]}** Off unless asked for.

## Limits

{limits}

## Network and training

ResNet generators of width {recipe.width} with {recipe.blocks} residual blocks that change the logit of a film and start
as the identity, PatchGAN discriminators (patches of 70 pixels) of width {recipe.discriminator_width}; least-squares GAN
+ {recipe.cycle_weight:g} cycle + {recipe.identity_weight:g} identity{structure}, pool of {recipe.pool_size} images,
Adam, {recipe.iterations} iterations with {recipe.batch} film(s) of each kind. Real films: {len(recipe.pairs)} pairs;
simulated: {recipe.simulated_count} deformed patients, PA and lateral, ideal line integrals. Random zoom, shift and
rotation.

## Data and licence

{manifest["data_source"]}

{manifest["data_license"]}

{card_texts.ATTRIBUTION}
## Results on held-out real films

Measured {manifest["created"]} on the pairs that were not trained on. Tone: Wasserstein-1 distance of the grey values
(0..1) from simulated films; texture: size of the log ratio of fine detail to theirs; residual: of X2CT-CNN's
re-projection against the untouched films. Before -> after the transfer.

{_table(rows)}

## Citation

{manifest["citation"]}
"""


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = [
        "| film | tone | texture | X2CT-CNN residual | mean change of grey value | moved, px of 96 | edges agree |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        arrows = " | ".join(f"{row[name][0]:.3f} -> {row[name][1]:.3f}" for name in ("tone", "texture", "residual"))
        kept = " (refused, film kept)" if row["kept"] else ""
        lines.append(
            f"| {row['pair']} {row['role']} | {arrows} | {row['change']:.3f} | {row['moved_px']:.2f}{kept} "
            f"| {row['edge_correlation']:.2f} |"
        )
    if rows:
        arrows = " | ".join(
            f"{mean_of(rows, name, 0):.3f} -> {mean_of(rows, name, 1):.3f}" for name in ("tone", "texture", "residual")
        )
        lines.append(
            f"| mean | {arrows} | {mean_of(rows, 'change'):.3f} | {mean_of(rows, 'moved_px'):.2f} "
            f"| {mean_of(rows, 'edge_correlation'):.2f} |"
        )
    return "\n".join(lines)
