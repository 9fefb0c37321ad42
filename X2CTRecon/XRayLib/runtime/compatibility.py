"""Whether the installed runtime can load a bundle, told before it tries."""

from __future__ import annotations

import re

from XRayLib.bundle import Bundle
from XRayLib.bundle.onnx_graph import OnnxSummary
from XRayLib.errors import InputError, MissingDependencyError

OLDEST_ONNXRUNTIME = "1.23"
"""The last release with wheels for Intel Macs."""
NEWEST_OPSET_OF_OLDEST, NEWEST_IR_OF_OLDEST = 23, 11


def check_onnxruntime(bundle: Bundle, graph: OnnxSummary, installed: str) -> None:
    """InputError or MissingDependencyError when ONNX Runtime ``installed`` is too old for the bundle.

    The graph's own opset and IR version must be what the manifest says, and every bundle that needs more than ONNX
    Runtime 1.23 offers (opset 23, IR 11) must say so in ``min_onnxruntime``.
    """
    runtime = bundle.manifest["runtime"]
    if missing := sorted({"min_onnxruntime", "opset", "ir_version"} - set(runtime)):
        raise InputError(f"The manifest of '{bundle.id}' does not tell {', '.join(missing)} of its graph.")
    if (graph.opset, graph.ir_version) != (runtime["opset"], runtime["ir_version"]):
        raise InputError(
            f"The graph of '{bundle.id}' has opset {graph.opset} and IR {graph.ir_version}, its manifest says "
            f"{runtime['opset']} and {runtime['ir_version']}: export the bundle again."
        )
    needed = max(runtime["min_onnxruntime"], OLDEST_ONNXRUNTIME, key=release)
    if release(installed) < release(needed):
        raise MissingDependencyError(
            f"The model '{bundle.title}' needs ONNX Runtime {needed} or newer, {installed} is installed: update it."
        )
    too_new = graph.opset > NEWEST_OPSET_OF_OLDEST or graph.ir_version > NEWEST_IR_OF_OLDEST
    if too_new and release(runtime["min_onnxruntime"]) <= release(OLDEST_ONNXRUNTIME):
        raise InputError(
            f"The model '{bundle.title}' uses opset {graph.opset} and IR {graph.ir_version}, which ONNX Runtime "
            f"{runtime['min_onnxruntime']} cannot load: export it with opset 20 or older."
        )


def release(version: str) -> tuple[int, ...]:
    """(major, minor) of a version text: "1.23.2" -> (1, 23)."""
    return tuple(int(n) for n in re.findall(r"\d+", version)[:2])
