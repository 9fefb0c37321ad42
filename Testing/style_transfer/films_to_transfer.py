"""A drawn chest film processed for reading, and bundles whose network does what a test wants."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper
from scipy import ndimage
from XRayLib.bundle import parity_block, parity_inputs, write_manifest
from XRayLib.geometry import XRayGeometry
from XRayLib.phantom import torso_phantom
from XRayLib.projector import project
from XRayLib.radiograph import Radiograph
from XRayLib.style_transfer.square_film import SIDE

SHAPE = [1, 1, SIDE, SIDE]
OPSET, IR_VERSION = 17, 8


def geometry(primary_angle_deg: float = 0.0, size_px: tuple[int, int] = (120, 150)) -> XRayGeometry:
    """A chest stand; columns and rows of 3 mm."""
    return XRayGeometry.from_c_arm(
        primary_angle_deg=primary_angle_deg,
        secondary_angle_deg=0.0,
        source_to_detector_mm=1800.0,
        source_to_isocenter_mm=1600.0,
        size_px=size_px,
        pixel_spacing_mm=(3.0, 3.0),
    )


def chest_film(primary_angle_deg: float = 0.0, calibrated: bool = False) -> Radiograph:
    """The torso phantom; uncalibrated ones went through a display curve."""
    torso = torso_phantom(4, 4.0)
    view = geometry(primary_angle_deg)
    from XRayLib.ct import Volume, attenuation_from_hu

    image = project(Volume(attenuation_from_hu(torso.ct.voxels), torso.ct.ijk_to_ras, "mu_per_mm"), [view])[0]
    if not calibrated:
        image = 5.5 * (image / image.max()) ** 0.6
    return Radiograph(image.astype(np.float32), view, calibrated=calibrated, view="PA")


def warped(image: np.ndarray, amplitude_px: float, seed: int = 0) -> np.ndarray:
    """The picture moved smoothly by up to ``amplitude_px``."""
    rng = np.random.default_rng(seed)
    fields = [ndimage.zoom(rng.standard_normal((5, 5)), [n / 5 for n in image.shape], order=3) for _ in range(2)]
    largest = max(float(np.abs(field).max()) for field in fields)
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    moved = [place + amplitude_px / largest * field for place, field in zip((rows, columns), fields, strict=True)]
    return ndimage.map_coordinates(image, moved, order=1, mode="nearest").astype(np.float32)


def style_bundle(folder: Path, network: str, **changes: Any) -> Path:
    """A bundle of the style task. ``network``: "darker" squares every value, "moving" shifts the film by 4 pixels."""
    folder.mkdir(parents=True)
    if network == "darker":
        nodes = [helper.make_node("Mul", ["film", "film"], ["styled"])]
        constants = []
    else:
        constants = [
            helper.make_tensor("pads", TensorProto.INT64, [8], [0, 0, 4, 4, 0, 0, 0, 0]),
            helper.make_tensor("starts", TensorProto.INT64, [2], [0, 0]),
            helper.make_tensor("ends", TensorProto.INT64, [2], [SIDE, SIDE]),
            helper.make_tensor("axes", TensorProto.INT64, [2], [2, 3]),
        ]
        nodes = [
            helper.make_node("Pad", ["film", "pads"], ["padded"], mode="edge"),
            helper.make_node("Slice", ["padded", "starts", "ends", "axes"], ["styled"]),
        ]
    (given, made) = (helper.make_tensor_value_info(name, TensorProto.FLOAT, SHAPE) for name in ("film", "styled"))
    graph = helper.make_graph(nodes, "style", [given], [made], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    (folder / "network.onnx").write_bytes(model.SerializeToString())
    inputs = {"film": {"pattern": "waves", "seed": 1, "shape": SHAPE}}
    film = parity_inputs({"inputs": inputs})["film"]
    expected = film * film if network == "darker" else np.pad(film, ((0, 0), (0, 0), (4, 0), (4, 0)), "edge")
    tensor = {"role": "film", "dtype": "float32", "layout": "NCHW", "shape": SHAPE, "quantity": "relative_attenuation"}
    write_manifest(
        folder,
        {
            "id": folder.name,
            "version": "1.0.0",
            "title": f"A network that is {network}",
            "task": "style_transfer",
            "description": "For tests.",
            "authors": ["The XRay3D authors"],
            "license": "Apache-2.0",
            "data_source": "none",
            "data_license": "none",
            "intended_use": "Tests.",
            "limitations": ["Of no use."],
            "eval_metrics": [],
            "created": "2026-11-21",
            "files": [{"path": "network.onnx", "role": "graph"}],
            "inputs": {"film": tensor},
            "outputs": {"styled": tensor},
            "runtime": {
                "min_onnxruntime": "1.23",
                "opset": OPSET,
                "ir_version": IR_VERSION,
                "precision": ["fp32"],
            },
            "parity": parity_block(inputs, {"styled": expected[:, :, :SIDE, :SIDE]}, {"fp32": 1e-3}),
            **changes,
        },
    )
    return folder
