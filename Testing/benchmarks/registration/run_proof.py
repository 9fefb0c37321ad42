"""Run the proof of registration: random poses of real CTs, one JSON line per registration, resumable.

    .venv/bin/python Testing/benchmarks/registration/run_proof.py --cts proof --count 210 --out build/proof.jsonl

Rows already in the file are skipped, so an interrupted run goes on where it stopped. Then
``proof_tables.py build/proof.jsonl`` writes the tables.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path
from typing import Any

from proof_cases import CALIBRATION_CTS, KINDS, PROOF_CTS, VIEWS, ProofCase, proof_cases
from proof_films import patient
from proof_rows import STARTS, run_case
from resumable_rows import rows_of
from XRayLib.case import Options
from XRayLib.registry import method

CT_SETS = {"proof": PROOF_CTS, "calibration": CALIBRATION_CTS}
AHEAD = 2
"""Cases that wait per process, so that none idles."""

_runs_here = 0


def run_one(case: ProofCase, method_id: str, options: Options, start: str) -> dict[str, Any]:
    """One row; called in a worker process."""
    global _runs_here
    chosen = method(method_id)

    def register(given, options):
        chosen.check(given)
        return chosen.run(given, options, lambda fraction, stage: None)

    row = run_case(case, register, patient(case.ct), patient(case.film_ct), options, start)
    _runs_here += 1
    described = {"key": case.key, "method": method_id, "extra": dict(options.extra), "device": options.device}
    return described | {"threads": os.environ.get("OMP_NUM_THREADS", ""), "warm": _runs_here > 1} | row


def run_all(
    cases: Sequence[ProofCase], out: Path, method_id: str, options: Options, start: str, processes: int, minutes: float
) -> Iterator[dict[str, Any]]:
    """Run what the file lacks, write each row as it comes, and yield it; no new case starts after ``minutes``."""
    done = {row["key"] for row in rows_of(out)}
    waiting = iter([case for case in cases if case.key not in done])
    out.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + 60 * minutes
    with (
        ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool,
        out.open("a", encoding="utf-8") as file,
    ):
        running: set[Future] = set()
        try:
            while True:
                while len(running) < AHEAD * processes and time.monotonic() < deadline:
                    case = next(waiting, None)
                    if case is None:
                        break
                    running.add(pool.submit(run_one, case, method_id, options, start))
                if not running:
                    return
                finished, running = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    row = future.result()
                    file.write(json.dumps(row) + "\n")
                    file.flush()
                    yield row
        finally:
            pool.shutdown(cancel_futures=True)


def has_failed(row: dict[str, Any]) -> bool:
    """Whether a case that can be registered was refused, or is off by more than 2 mm."""
    return not row["negative"] and (not row["accepted"] or row["final"]["mtre_mm"] > 2.0)


def told(row: dict[str, Any]) -> str:
    """A row in words, for the one who watches."""
    final, initial = row.get("final"), row["initial"]
    errors = "no true pose" if initial is None else f"{initial['mtre_mm']:6.1f} -> "
    if initial is not None:
        errors += f"{final['mtre_mm']:6.2f} mm" if final else "refused"
    verdict = "accepted" if row["accepted"] else "refused: " + row["reason"][:60]
    said = f"{row['key']:44s} {row['views']:16s} {row['realism']:5s} {errors:20s} {row['seconds']:5.1f} s"
    return f"{said} {row['confidence']:.2f} {verdict}"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cts", default="proof", help="proof, calibration, or names of CTs separated by commas")
    parser.add_argument("--count", type=int, default=21, help="cases per CT and kind; each CT has all cells in 21")
    parser.add_argument("--first", type=int, default=0, help="index of the first case")
    parser.add_argument("--kinds", default="registration", help=f"of {', '.join(KINDS)}, separated by commas, or all")
    parser.add_argument("--views", default="", help=f"only these: {', '.join(VIEWS)}")
    parser.add_argument("--realism", default="", help="only this level")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--method", default="intensity")
    parser.add_argument("--extra", type=json.loads, default={"initialisation": "search"}, help="options as JSON")
    parser.add_argument("--start", choices=STARTS, default="nominal")
    parser.add_argument("--failed-in", type=Path, help="only the cases that are refused or above 2 mm in these rows")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--processes", type=int, default=1, help="set OMP_NUM_THREADS to the threads of each")
    parser.add_argument("--minutes", type=float, default=1e9, help="start no case after this time")
    parser.add_argument("--out", type=Path, default=Path("build/proof.jsonl"))
    asked = parser.parse_args()
    cts = CT_SETS.get(asked.cts, asked.cts.split(","))
    kinds = KINDS if asked.kinds == "all" else asked.kinds.split(",")
    cases = [
        case
        for kind in kinds
        for case in proof_cases(cts, asked.count, asked.seed, kind, asked.first)
        if asked.views in ("", case.views) and asked.realism in ("", case.realism)
    ]
    if asked.failed_in is not None:
        failed = {row["key"] for row in rows_of(asked.failed_in) if has_failed(row)}
        cases = [case for case in cases if case.key in failed]
    options = Options(device=asked.device, extra=asked.extra)
    for row in run_all(cases, asked.out, asked.method, options, asked.start, asked.processes, asked.minutes):
        print(told(row), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
