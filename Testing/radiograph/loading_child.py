"""Loads radiographs named on stdin, one a line, and answers one JSON line for each: run as a child with limits."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import warnings


def limit_memory(megabytes: int) -> None:
    with contextlib.suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))


def outcome(path: str) -> dict[str, object]:
    import numpy as np
    from XRayLib.errors import XRay3DError
    from XRayLib.radiograph import load_radiograph

    try:
        radiograph = load_radiograph(path)
    except XRay3DError as error:
        return {"kind": type(error).__name__, "message": str(error)}
    except BaseException as error:
        return {"kind": type(error).__name__, "message": repr(error)[:500], "unexpected": True}
    image = radiograph.line_integral
    return {
        "kind": "Radiograph",
        "shape": list(image.shape),
        "sane": bool(np.isfinite(image).all() and image.min() >= 0 and image.max() > image.min()),
        "image": np.round(image[:: max(1, image.shape[0] // 64), :: max(1, image.shape[1] // 64)], 4).tolist(),
        "assumptions": radiograph.assumptions,
    }


def main() -> None:
    limit_memory(int(sys.argv[1]))
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # decoders print to stdout
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        answers.write(json.dumps(outcome(line.rstrip("\n"))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
