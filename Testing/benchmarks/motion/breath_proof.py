"""Run the proof of organ meshes and deformations: one JSON line per film, resumable.

    .venv/bin/python Testing/benchmarks/motion/breath_proof.py --cts chest_lidc0001 --method igcn --count 9 \
        --out build/mesh_proof.jsonl

Works for every method that returns a mesh or a deformation; one that is prepared for a patient must be prepared
before. Rows already in the file are skipped. Then ``breath_tables.py build/mesh_proof.jsonl`` writes the tables.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from breath_cases import ANGLES, BreathCase, breath_cases
from breath_films import moving_patient
from breath_rows import Run, run_breath
from planned_organs import LABELS
from resumable_rows import rows_of
from XRayLib.case import Case, Options, Result
from XRayLib.errors import InputError
from XRayLib.registry import method

Row = dict[str, Any]

RETURNS = ("mesh", "deformation")


def runner(method_id: str) -> Run:
    """The method as the proof calls it; InputError for one that returns neither mesh nor deformation."""
    chosen = method(method_id)
    if chosen.returns not in RETURNS:
        raise InputError(f"{chosen.title} returns a {chosen.returns}: this proof judges meshes and deformations.")

    def run(case: Case, options: Options) -> Result:
        chosen.check(case)
        return chosen.run(case, options, lambda fraction, stage: None)

    return run


def run_all(
    cases: Sequence[BreathCase], out: Path, method_id: str, run: Run, options: Options, minutes: float
) -> Iterator[Row]:
    """Run what the file lacks, write each row as it comes, and yield it; no new case starts after ``minutes``."""
    asked = contender(method_id, options.extra)
    done = {(contender(row["method"], row["extra"]), row["key"]) for row in rows_of(out)}
    out.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + 60 * minutes
    with out.open("a", encoding="utf-8") as file:
        for case in cases:
            if (asked, case.key) in done or time.monotonic() > deadline:
                continue
            described = {"key": case.key, "method": method_id, "extra": dict(options.extra), "device": options.device}
            row = described | {"threads": os.environ.get("OMP_NUM_THREADS", "")}
            row |= run_breath(case, run, moving_patient(case.ct, case.organ), options)
            file.write(json.dumps(row) + "\n")
            file.flush()
            yield row


def contender(method_id: str, extra: Mapping[str, Any]) -> str:
    """The method with the options that it was given, in words."""
    return " ".join([method_id, *(f"{name}={json.dumps(value)}" for name, value in sorted(extra.items()))])


def told(row: Row) -> str:
    """A row in words, for the one who watches."""
    identity = row["baselines"]["identity"]["surface_mm"]
    found = f"{row['result']['surface_mm']:5.2f} mm" if "result" in row else row["reason"][:60]
    return f"{row['key']:50s} {row['method']:20s} {identity:5.2f} -> {found} {row['seconds']:6.2f} s"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cts", default="chest_lidc0001", help="names of CTs separated by commas")
    parser.add_argument("--count", type=int, default=9, help="breaths per CT, each seen from every angle")
    parser.add_argument("--first", type=int, default=0, help="index of the first breath")
    parser.add_argument("--angles", nargs="+", default=ANGLES, help="in degrees; 0+90 for two films at once")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--method", default="organ-mesh", help="ids separated by commas")
    parser.add_argument("--organ", choices=list(LABELS), default="liver", help="which is sought")
    parser.add_argument("--pose-noise", action="store_true", help="start from a rigid pose that is slightly off")
    parser.add_argument("--extra", type=json.loads, default={}, help="options as JSON")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--minutes", type=float, default=1e9, help="start no case after this time")
    parser.add_argument("--out", type=Path, default=Path("build/mesh_proof.jsonl"))
    asked = parser.parse_args()
    chosen = {name: getattr(asked, name) for name in ("first", "pose_noise", "organ", "angles")}
    cases = list(breath_cases(asked.cts.split(","), asked.count, asked.seed, **chosen))
    options = Options(device=asked.device, extra=asked.extra)
    for method_id in asked.method.split(","):
        for row in run_all(cases, asked.out, method_id, runner(method_id), options, asked.minutes):
            print(told(row), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
