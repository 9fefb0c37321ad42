"""The tables of the proof of organ meshes and deformations, from its rows.

.venv/bin/python Testing/benchmarks/motion/breath_tables.py build/mesh_proof.jsonl [more.jsonl ...]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from breath_proof import contender, rows_of

Row = dict[str, Any]

COLUMNS = {
    "mean distance mm": "surface_mm",
    "RMSE mm": "surface_rmse_mm",
    "95 % mm": "surface_p95_mm",
    "vertices mm": "vertex_md_mm",
    "along ray mm": "along_ray_rmse_mm",
    "across ray mm": "across_ray_rmse_mm",
    "Dice": "dice",
}
BASELINES = ("identity", "mean_shape", "best_rigid")


def error_table(rows: Sequence[Row], group: Callable[[Row], tuple[str, ...]], titles: Sequence[str]) -> str:
    """One line per group and method, the baselines of the same films below; means over the cases that gave a result.

    "worse" counts the cases whose mean distance exceeds that of the planned organ at the given pose.
    """
    heads = [*titles, "method", "cases", "no result", *COLUMNS, "worse than identity", "median s"]
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(group(row), []).append(row)
    lines = []
    for name, members in sorted(groups.items()):
        for method in sorted({_contender(row) for row in members}):
            asked = [row for row in members if _contender(row) == method]
            given = [row for row in asked if "result" in row]
            worse = sum(row["result"]["surface_mm"] > row["baselines"]["identity"]["surface_mm"] for row in given)
            seconds = f"{np.median([row['seconds'] for row in given]):.2f}" if given else "-"
            counts = [str(len(asked)), str(len(asked) - len(given))]
            lines.append([*name, method, *counts, *_means([row["result"] for row in given]), str(worse), seconds])
        films = list({row["key"]: row for row in members}.values())
        for baseline in BASELINES:
            means = _means([row["baselines"][baseline] for row in films])
            lines.append([*name, f"({baseline})", str(len(films)), "", *means, "", ""])
    return _markdown(heads, lines)


def further_table(rows: Sequence[Row]) -> str:
    """What only some methods state: calibration of the error bars, folds, target error of deformations."""
    heads = ["sought", "CT", "method", "cases", "within 1 sd", "within 2 sd", "error / sd", "folding"]
    heads += ["TRE mm", "TRE 95 % mm"]
    names = ("within_1_sd", "within_2_sd", "error_over_sd", "folding_fraction", "tre_mm", "tre_p95_mm")
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        if "result" in row:
            groups.setdefault((*_sought(row), row["ct"], _contender(row)), []).append(row | row["result"])
    lines = [[*name, str(len(flat)), *(_mean(flat, n) for n in names)] for name, flat in sorted(groups.items())]
    return _markdown(heads, lines)


def all_tables(rows: Sequence[Row]) -> str:
    """Every table, with headings."""
    parts = {
        "By view angle": error_table(rows, lambda row: (*_sought(row), _angles(row)), ["sought", "angle"]),
        "By patient and view angle": error_table(
            rows, lambda row: (*_sought(row), row["ct"], _angles(row)), ["sought", "CT", "angle"]
        ),
        "By realism": error_table(rows, lambda row: (*_sought(row), row["realism"]), ["sought", "realism"]),
        "Error bars and deformations": further_table(rows),
    }
    return "\n\n".join(f"#### {title}\n\n{table}" for title, table in parts.items()) + "\n"


def _contender(row: Row) -> str:
    return contender(row["method"], row["extra"])


def _sought(row: Row) -> tuple[str]:
    """The organ, and whether the pose that was given was off."""
    return (row.get("organ", "liver") + (", pose off" if row["pose_noise"] else ""),)


def _angles(row: Row) -> str:
    """As in the row's key."""
    return row["key"].split("/")[1]


def _means(values: Sequence[dict[str, float]]) -> list[str]:
    return [_mean(values, name) for name in COLUMNS.values()]


def _mean(values: Sequence[dict[str, float]], name: str) -> str:
    known = [value[name] for value in values if name in value]
    return f"{np.mean(known):.3g}" if known else "-"


def _markdown(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = [heads, ["---"] * len(heads), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="+", type=Path)
    print(all_tables([row for path in parser.parse_args().rows for row in rows_of(path)]))  # noqa: T201


if __name__ == "__main__":
    main()
