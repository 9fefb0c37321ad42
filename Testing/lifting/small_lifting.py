"""A lifting network and a patient small enough for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from X2CTReconLib.lifted_views import LiftingCube, ViewTensors
from XRayLib.ct import Volume, save_volume
from XRayLib.geometry import XRayGeometry
from XRayLib.projector import project
from XRayLib.radiograph import Radiograph

SIDE = 32
SOURCES = {
    "frontal": np.array([0.0, -900.0, 0.0]),
    "lateral": np.array([700.0, 0.0, 30.0]),
    "oblique": np.array([-500.0, -600.0, -80.0]),
}

RECIPE = """
name: tiny
output: run/out
data: {data}
patients: {{chest_box.nii.gz: 1.0}}
minutes: {minutes:.9f}
coarse_share: {coarse_share}
edge_mm: 256.0
side: 32
anatomy_side: 64
checkpoint_every: 2
widths: {{film: [8, 8, 8, 8], volume: [8, 8, 8, 8]}}
"""


def small_network(seed: int = 0) -> Any:
    """Random weights everywhere: zero ones would hide what they multiply."""
    import torch
    from lifting.network import LiftingNetwork, Widths

    torch.manual_seed(seed)
    network = LiftingNetwork(torch.rand(SIDE, SIDE, SIDE), Widths((8, 8, 8, 8), (8, 8, 8, 8))).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return network


def tensors(*names: str) -> ViewTensors:
    """Network input of smooth random films at the named sources; the same film for the same name."""
    cube = LiftingCube(np.zeros(3), 416.0, SIDE)
    films = []
    for name in names:
        rng = np.random.default_rng(sorted(SOURCES).index(name))
        rows, columns = np.mgrid[-1 : 1 : cube.film_px * 1j, -1 : 1 : cube.film_px * 1j]
        value = 0.5 + 0.4 * np.sin(4 * rows + rng.uniform(0, 6)) * np.cos(5 * columns + rng.uniform(0, 6))
        films.append(np.stack([value, rows**2 + columns**2 < 1, np.ones_like(rows)]).astype(np.float32))
    return cube.tensors(films, [SOURCES[name] for name in names])


def torch_tensors(*names: str) -> tuple[Any, ...]:
    """The same as torch tensors, and a start."""
    import torch

    torch.manual_seed(5)
    return (*(torch.from_numpy(x) for x in tensors(*names)), torch.rand(1, 1, SIDE, SIDE, SIDE))


def box_patient(folder: Path) -> NDArray[np.float32]:
    """A box of water with a bone rod, 2 mm voxels, saved as chest_box.nii.gz."""
    hu = np.full((100, 70, 80), -1000, np.float32)
    hu[10:90, 15:55, 10:70] = 0
    hu[60:80, 45:50, 15:25] = 1000
    save_volume(Volume.axis_aligned(hu, (2.0, 2.0, 2.0)), folder / "chest_box.nii.gz")
    return hu


def write_recipe(folder: Path, minutes: float, coarse_share: float = 0.0) -> Path:
    """Of a run that ends after its first update when ``minutes`` are next to nothing."""
    path = folder / "lifting-tiny.yaml"
    path.write_text(RECIPE.format(data=folder, minutes=minutes, coarse_share=coarse_share))
    return path


def c_arm(primary_deg: float, secondary_deg: float = 0.0, pixels: int = 200) -> XRayGeometry:
    """A C-arm whose isocentre is (10, -20, 30); its detector is 400 mm wide."""
    return XRayGeometry.from_c_arm(
        primary_angle_deg=primary_deg,
        secondary_angle_deg=secondary_deg,
        source_to_detector_mm=1020.0,
        source_to_isocenter_mm=700.0,
        size_px=(pixels, pixels),
        pixel_spacing_mm=(800.0 / pixels, 800.0 / pixels),
        isocenter_ras_mm=(10.0, -20.0, 30.0),
    )


def shot(volume_mu: Volume, geometry: XRayGeometry, calibrated: bool = True) -> Radiograph:
    """A radiograph of attenuation in 1/mm."""
    return Radiograph(project(volume_mu, [geometry], device="cpu")[0], geometry, calibrated=calibrated)
