"""Tables of the proof from its rows, as Markdown.

.venv/bin/python Testing/benchmarks/registration/proof_tables.py build/proof.jsonl
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from proof_cases import POSITIVE, VIEWS
from rejudged import rejudged
from resumable_rows import rows_of
from XRayLib.metrics.pose import SUCCESS_MM, success_rates

Row = dict[str, Any]

GOOD_MM = {1: 5.0, 2: 2.0}
"""Number of views -> the error that the confidence speaks about."""
WRONG_MM = 10.0
"""An accepted result above this is a false accept."""
CONFIDENCE_EDGES = (0.0, 0.05, 0.2, 0.5, 0.8, 0.95, 1.0)


def error_table(rows: Sequence[Row], group: Callable[[Row], tuple[str, ...]], titles: Sequence[str]) -> str:
    """One line per group of positive cases: errors of all, refused ones included, and what was accepted of them."""
    heads = [
        *titles,
        "cases",
        "initial mTRE mm: mean / median / 95 %",
        "final mTRE mm: mean / median / 95 %",
        *(f"< {limit:g} mm" for limit in SUCCESS_MM),
        "across rays, median mm",
        "refused",
        "accepted: median / 95 % / largest mm",
        "accepted > 10 mm",
        "median s",
    ]
    lines = []
    for name, members in _grouped([row for row in rows if row["initial"] is not None], group):
        final = [final_mtre(row) for row in members]
        accepted = [final_mtre(row) for row in members if row["accepted"]]
        rates = success_rates(final)
        across = [row["final"]["reprojection_distance_mm"] if row.get("final") else np.inf for row in members]
        lines.append(
            [
                *name,
                str(len(members)),
                _spread([row["initial"]["mtre_mm"] for row in members]),
                _spread(final),
                *(f"{100 * rates[f'{limit:g}_mm']:.1f} %" for limit in SUCCESS_MM),
                f"{np.median(across):.2f}",
                str(len(members) - len(accepted)),
                _accepted(accepted),
                str(sum(error > WRONG_MM for error in accepted)),
                f"{np.median([row['seconds'] for row in members if row['warm']] or [np.nan]):.1f}",
            ]
        )
    return _markdown(heads, lines)


def negative_table(rows: Sequence[Row]) -> str:
    """What was done with films that no pose of the CT explains."""
    lines = []
    for name, members in _grouped([row for row in rows if row["negative"]], lambda row: (row["kind"], row["views"])):
        accepted = sum(row["accepted"] for row in members)
        highest = max(row["confidence"] for row in members)
        lines.append([*name, str(len(members)), str(len(members) - accepted), str(accepted), f"{highest:.2f}"])
    return _markdown(["film", "views", "cases", "refused", "falsely accepted", "highest confidence"], lines)


def reliability_table(rows: Sequence[Row]) -> str:
    """Share of results within the error that the confidence speaks about, by stated confidence; negatives are wrong."""
    heads = ["stated confidence", "cases", "mean stated", "true share"]
    stated = np.array([row["confidence"] for row in rows])
    good = np.array([is_good(row) for row in rows])
    lines = []
    for low, high in itertools.pairwise(CONFIDENCE_EDGES):
        inside = (stated >= low) & ((stated < high) | (high == CONFIDENCE_EDGES[-1]))
        if inside.any():
            mean, share = stated[inside].mean(), good[inside].mean()
            lines.append([f"{low:g} to {high:g}", str(inside.sum()), f"{mean:.2f}", f"{share:.2f}"])
    return _markdown(heads, lines)


def deviation_table(rows: Sequence[Row]) -> str:
    """Predicted standard deviation beside the actual error of accepted results, along the first view's axes."""
    heads = ["views", "direction", "cases", "predicted sd, median", "actual |error|, median", "within 2 sd"]
    names = ("columns mm", "rows mm", "depth mm", "about columns deg", "about rows deg", "about depth deg")
    units = np.array([1, 1, 1, *[180 / np.pi] * 3])
    lines = []
    told = [row for row in rows if row["accepted"] and "error_mm_rad" in row]
    for name, members in _grouped(told, lambda row: (row["views"],)):
        error = np.abs([row["error_mm_rad"] for row in members]) * units
        deviation = np.array([row["predicted_sd_mm_rad"] for row in members]) * units
        for axis, direction in enumerate(names):
            within = np.mean(error[:, axis] <= 2 * deviation[:, axis])
            sizes = f"{np.median(deviation[:, axis]):.3f}", f"{np.median(error[:, axis]):.3f}"
            lines.append([*name, direction, str(len(members)), *sizes, f"{100 * within:.0f} %"])
    return _markdown(heads, lines)


def final_mtre(row: Row) -> float:
    """Infinite when the method gave no pose."""
    return row["final"]["mtre_mm"] if row.get("final") else np.inf


def is_good(row: Row) -> bool:
    """Whether the pose is within the error that the confidence speaks about."""
    return not row["negative"] and final_mtre(row) < GOOD_MM[min(len(VIEWS[row["views"]]), 2)]


def all_tables(rows: Sequence[Row]) -> str:
    """Every table, with headings."""
    positive = [row for row in rows if row["kind"] == "registration"]
    disturbed = [row for row in rows if row["kind"] in (*POSITIVE[1:], "rotated")]
    parts = {
        "By views": error_table(positive, lambda row: (row["views"],), ["views"]),
        "By views and realism": error_table(positive, lambda row: (row["views"], row["realism"]), ["views", "realism"]),
        "By CT and views": error_table(positive, lambda row: (row["ct"], row["views"]), ["CT", "views"]),
        "Disturbed films": error_table(disturbed, lambda row: (row["kind"], row["views"]), ["film", "views"]),
        "Films that must be refused": negative_table(rows),
        "Reliability of the confidence": reliability_table(rows),
        "Predicted and actual deviation": deviation_table(positive),
    }
    return "\n\n".join(f"#### {title}\n\n{table}" for title, table in parts.items()) + "\n"


def _grouped(rows: Iterable[Row], group: Callable[[Row], tuple[str, ...]]) -> list[tuple[tuple[str, ...], list[Row]]]:
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(group(row), []).append(row)
    return sorted(groups.items())


def _spread(values: Sequence[float]) -> str:
    if np.isinf(values).any():  # a mean over cases without a pose means nothing
        return f"- / {np.median(values):.2f} / {np.percentile(values, 95, method='higher'):.2f}"
    return f"{np.mean(values):.2f} / {np.median(values):.2f} / {np.percentile(values, 95):.2f}"


def _accepted(values: Sequence[float]) -> str:
    if not values:
        return "-"
    return f"{np.median(values):.2f} / {np.percentile(values, 95):.2f} / {np.max(values):.2f}"


def _markdown(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = [heads, ["---"] * len(heads), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="+", type=Path)
    parser.add_argument("--rejudge", action="store_true", help="with the present rule of acceptance")
    asked = parser.parse_args()
    rows = [row for path in asked.rows for row in rows_of(path)]
    print(all_tables([rejudged(row) for row in rows] if asked.rejudge else rows))  # noqa: T201


if __name__ == "__main__":
    main()
