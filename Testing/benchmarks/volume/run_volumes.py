"""Reconstruct held-out patients by several methods; see README.md."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "registration")]

from resumable_rows import rows_of  # noqa: E402
from volume_cases import HELD_OUT, training_template, volume_case  # noqa: E402
from volume_rows import METHODS, rows_of_case  # noqa: E402


def main(arguments: Sequence[str] | None = None) -> None:
    """Append the rows that are missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the CTs")
    parser.add_argument("--rows", type=Path, required=True, help="JSON lines, appended to")
    parser.add_argument("--cts", default=",".join(HELD_OUT))
    parser.add_argument("--angles", default="0,90", help="primary angles in degrees")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--realism", default="none")
    options = parser.parse_args(arguments)
    angles = [float(angle) for angle in options.angles.split(",")]
    options.rows.parent.mkdir(parents=True, exist_ok=True)
    done = {(row["case"], row["views"], row["realism"], row["method"]) for row in rows_of(options.rows)}
    template = None
    for name in options.cts.split(","):
        left = [m for m in options.methods.split(",") if (name, len(angles), options.realism, m) not in done]
        if not left:
            continue
        template = template or training_template(options.data, options.rows.parent / "cache")
        case = volume_case(options.data / f"{name}.nii.gz", angles, options.realism, template)
        with options.rows.open("a", encoding="utf-8") as stream:
            for row in rows_of_case(case, left, {}):
                key = (row["case"], row["views"], options.realism, row["method"])
                if key not in done:
                    stream.write(json.dumps({**row, "angles": angles, "realism": options.realism}) + "\n")
                    stream.flush()


if __name__ == "__main__":
    main()
