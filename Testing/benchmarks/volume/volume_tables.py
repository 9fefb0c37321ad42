"""The rows of ``run_volumes.py`` as a table: means over the patients."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1] / "registration")]

from resumable_rows import rows_of  # noqa: E402

COLUMNS = (
    ("psnr_3d", "PSNR-3D dB", ".2f"),
    ("ssim_3d", "SSIM-3D", ".3f"),
    ("mae_body_hu", "MAE body HU", ".0f"),
    ("dice_lung", "Dice lung", ".2f"),
    ("residual", "residual", ".3f"),
    ("seconds", "seconds", ".1f"),
)


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """One line per realism, number of views and method, the best PSNR first; failures are counted."""
    names = ("realism", "views", "method")
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in names), []).append(row)
    lines = ["| realism | views | method | patients | " + " | ".join(title for _, title, _ in COLUMNS) + " |"]
    lines.append("|" + "---|" * (4 + len(COLUMNS)))
    ranked = sorted(groups.items(), key=lambda item: (*map(str, item[0][:2]), -(_mean(item[1], "psnr_3d") or 0.0)))
    for key, group in ranked:
        failed = sum("error" in row for row in group)
        count = f"{len(group) - failed}" + (f" ({failed} failed)" if failed else "")
        cells = [_cell(_mean(group, name), form) for name, _, form in COLUMNS]
        lines.append("| " + " | ".join([*map(str, key), count, *cells]) + " |")
    return "\n".join(lines)


def _mean(rows: Sequence[Mapping[str, Any]], name: str) -> float | None:
    values = [row[name] for row in rows if row.get(name) is not None]
    return sum(values) / len(values) if values else None


def _cell(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


if __name__ == "__main__":
    sys.stdout.write(markdown(rows_of(Path(sys.argv[1]))) + "\n")
