"""Reconstruct held-out patients by several methods; see README.md."""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "registration")]

from resumable_rows import rows_of  # noqa: E402
from volume_cases import HELD_OUT, training_template, volume_case  # noqa: E402
from volume_rows import METHODS, baseline_rows, rows_of_case  # noqa: E402

ANGLES = ("0", "0,90", "0,45,90,135")
REALISM = ("none", "mild", "hard")
KEY = ("case", "films", "realism", "method")


def main(arguments: Sequence[str] | None = None) -> None:
    """Append the rows that are missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the CTs")
    parser.add_argument("--rows", type=Path, required=True, help="JSON lines, appended to")
    parser.add_argument("--cts", default=",".join(HELD_OUT))
    parser.add_argument("--angles", nargs="+", default=ANGLES, help="sets of primary angles in degrees, e.g. 0 0,90")
    parser.add_argument("--realism", nargs="+", default=REALISM)
    parser.add_argument("--methods", default=",".join(METHODS))
    options = parser.parse_args(arguments)
    options.rows.parent.mkdir(parents=True, exist_ok=True)
    template = training_template(options.data, options.rows.parent / "cache")
    for name, realism, angles in itertools.product(options.cts.split(","), options.realism, options.angles):
        rows = rows_of(options.rows)
        done = {tuple(row[k] for k in KEY) for row in rows}
        left = [m for m in options.methods.split(",") if (name, angles, realism, m) not in done]
        with_baselines = not any(row["case"] == name for row in rows)
        if not left and not with_baselines:
            continue
        degrees = [float(angle) for angle in angles.split(",")]
        case = volume_case(options.data / f"{name}.nii.gz", degrees, realism, template)
        about = {"case": name, "films": angles, "views": len(degrees), "realism": realism}
        with options.rows.open("a", encoding="utf-8") as stream:
            for row in (*(baseline_rows(case) if with_baselines else ()), *rows_of_case(case, left)):
                stream.write(json.dumps({**about, **row}) + "\n")
                stream.flush()


if __name__ == "__main__":
    main()
