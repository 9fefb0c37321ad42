"""What the bundle of a prepared mesh network says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray
from XRayLib.preparation.task import FILM_TENSOR, BundleDescription, Measured, film_pattern

from X2CTReconLib.mesh_preparation.bundle_files import MODES_FILE, SURFACE_FILE, save_modes, save_surface

if TYPE_CHECKING:
    from X2CTReconLib.mesh_preparation.tasks import MeshTask

BUNDLE_TASK = "organ_mesh"
USE = "The surface of exactly this organ of this CT, on X-rays of the same patient. Research use only."
LIMITS = (
    "Knows one organ of one CT only; for another patient, or after an operation, its answer means nothing.",
    "Trained on simulated films and simulated breathing; what the motion model cannot do it cannot show.",
    "Along the beam one X-ray shows little: there the surface is what usually goes with what is seen.",
)
MEASURED = (
    Measured("surface_mm", "median mean surface distance", "mm", "identity_surface_mm", "surface as in the CT"),
    Measured("surface_mm_p95", "95th percentile of films, mean surface distance", "mm"),
    Measured("vertex_mm", "median mean vertex distance", "mm", "identity_vertex_mm", "surface as in the CT"),
)


def bundle_description(task: MeshTask, start_ras_mm: NDArray, triangles: NDArray) -> BundleDescription:
    """Of any of the tasks. The network's surface and the modes of motion lie beside the graph."""
    vertices = len(start_ras_mm)
    side = task.settings.input_px
    per_vertex: dict[str, Any] = {"layout": "NVC", "quantity": "mm", "axes": "RAS"}
    return BundleDescription(
        title=f"Organ surface of one patient ({task.what})",
        task=BUNDLE_TASK,
        intended_use=USE,
        limitations=LIMITS,
        measured=MEASURED,
        parity_inputs={
            "contrasts": film_pattern(side),
            # Any projection will do: what matters is that the same comes out everywhere.
            "ras_to_pixel": {"pattern": "uniform", "seed": 8, "shape": [1, 3, 4], "low": 1.0, "high": 400.0},
        },
        tensors={
            "contrasts": FILM_TENSOR,
            "ras_to_pixel": {"role": "camera", "layout": "NHW", "quantity": "px_times_mm, mm"},
            "displacement": {"role": "displacement", **per_vertex},
            "log_deviation": {"role": "deviation", "layout": "NVC", "quantity": "log mm along columns, rows and beam"},
        },
        patient={"vertices": vertices, "triangles": len(triangles)},
        files={
            SURFACE_FILE: ("mesh", lambda path: save_surface(path, start_ras_mm, triangles)),
            MODES_FILE: ("data", lambda path: save_modes(path, task.modes)),
        },
    )
