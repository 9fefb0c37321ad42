"""How much memory each method takes, in a process of its own; see README.md."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "registration")]

from volume_cases import HELD_OUT, VolumeCase, volume_case  # noqa: E402
from volume_rows import reconstructed  # noqa: E402
from XRayLib.errors import XRay3DError  # noqa: E402
from XRayLib.runtime.benchmark_child import peak_memory_mb  # noqa: E402

METHODS = "atlas,lifting,x2ct-cnn,x2ct-gan,henzler,x2vision,nerp,sart,cgls,filtered-backprojection"


def memory_rows(case: VolumeCase, chosen: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Per method: GB, Python and the films included, and seconds, what is loaded and compiled first included.

    One that does not take these films has "error" instead.
    """
    without_reference = replace(case, reference=case.earlier)  # large, and no method sees it
    for name in chosen:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            try:
                found: dict[str, Any] = pool.apply(_measured, (name, without_reference))
            except XRay3DError as error:
                found = {"error": str(error)}
            yield {"method": name, **found}


def _measured(name: str, case: VolumeCase) -> dict[str, float]:
    started = time.perf_counter()
    reconstructed(name, case)
    return {"memory_gb": peak_memory_mb() / 1e3, "seconds": time.perf_counter() - started}


def main(arguments: Sequence[str] | None = None) -> None:
    """Write one JSON line per method."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the CTs")
    parser.add_argument("--angles", default="0,90", help="primary angles in degrees")
    parser.add_argument("--methods", default=METHODS)
    options = parser.parse_args(arguments)
    angles = [float(angle) for angle in options.angles.split(",")]
    case = volume_case(options.data / f"{HELD_OUT[0]}.nii.gz", angles, "none", None)
    for row in memory_rows(case, options.methods.split(",")):
        sys.stdout.write(json.dumps(row) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
