"""What a user should know before choosing a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

RESEARCH_ONLY = "Research use only; not a medical device."


@dataclass(frozen=True)
class Card:
    """Plain fields for the panel and the command line; ``metrics`` are sentences with data, number and date."""

    id: str
    title: str
    task: str
    version: str
    description: str
    views: int
    license: str
    data_source: str
    data_license: str
    size_mb: float
    intended_use: str
    limitations: tuple[str, ...]
    metrics: tuple[str, ...]
    citation: str
    cpu_seconds: float | None

    @classmethod
    def from_manifest(cls, manifest: Mapping[str, Any]) -> Card:
        """The card of a validated manifest."""
        geometry, runtime = manifest.get("geometry", {}), manifest["runtime"]
        images = [t for t in manifest["inputs"].values() if t["layout"] == "NCHW"]
        return cls(
            id=manifest["id"],
            title=manifest["title"],
            task=manifest["task"],
            version=manifest["version"],
            description=manifest["description"],
            views=int(geometry.get("n_views", len(images))),
            license=manifest["license"],
            data_source=manifest["data_source"],
            data_license=manifest["data_license"],
            size_mb=sum(entry["size_bytes"] for entry in manifest["files"]) / 1e6,
            intended_use=manifest["intended_use"],
            limitations=tuple(manifest["limitations"]),
            metrics=tuple(_metric_sentence(m) for m in manifest["eval_metrics"]),
            citation=manifest.get("citation", ""),
            cpu_seconds=runtime.get("est_time_s", {}).get("cpu"),
        )


def _metric_sentence(metric: Mapping[str, Any]) -> str:
    text = f"{metric['metric']} {metric['value']:.4g} {metric['unit']}".rstrip()
    if "ci95" in metric:
        text += f" (95 % CI {metric['ci95'][0]:.4g} to {metric['ci95'][1]:.4g})"
    if "baseline_value" in metric:
        text += f", {metric.get('baseline', 'baseline')} {metric['baseline_value']:.4g}"
    return f"{text}; {metric['dataset']}, n = {metric['n']}, {metric['date']}"
