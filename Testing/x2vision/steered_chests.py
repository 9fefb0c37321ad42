"""A bundle whose small generator varies the torso phantom, and films of volumes that it can make."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from X2CTReconLib.generative.prior import GenerativePrior, PriorModule
from X2CTReconLib.generative.synthesis import SynthesisNetwork
from x2vision.bundle_writer import write_bundle
from x2vision.recipe import PriorRecipe
from XRayLib.bundle import Bundle, import_bundle
from XRayLib.ct import Volume, attenuation_from_hu, resample
from XRayLib.geometry import XRayGeometry
from XRayLib.phantom import torso_phantom
from XRayLib.projector import project
from XRayLib.radiograph import Radiograph

CHANNELS, WIDTH, EDGE_MM = (8, 6, 4), 6, 400.0
SIDE = 16
VARIATION = 0.3
"""Of the output layers' weights: the samples differ by about 90 HU, root mean square."""


def recipe(folder: Path) -> PriorRecipe:
    return PriorRecipe(
        name="x2vision-test",
        output=folder,
        data=folder,
        patients={"torso": 1.0},
        iterations=1,
        adversarial_from=1,
        edge_mm=EDGE_MM,
        channels=CHANNELS,
        style_width=WIDTH,
    )


def generator() -> PriorModule:
    """Random layers around the phantom; its styles are N(0, 1) around 1."""
    torch.manual_seed(3)
    synthesis = SynthesisNetwork(CHANNELS, WIDTH)
    for output in synthesis.to_volume:
        torch.nn.init.normal_(output.weight, 0.0, VARIATION)
    grid = Volume.axis_aligned(np.empty((SIDE,) * 3, np.float32), (EDGE_MM / SIDE,) * 3)
    torso = resample(torso_phantom(4, 6.0).ct, grid.voxels.shape, grid.ijk_to_ras).voxels
    synthesis.mean.copy_(torch.from_numpy((torso + 1024) / 2500)[None, None])
    return PriorModule(synthesis, torch.ones(WIDTH), torch.ones(WIDTH)).eval().requires_grad_(False)


def installed(folder: Path) -> Bundle:
    """The generator as an imported and trusted bundle; XRAY3D_MODELS must point to a folder of the test."""
    write_bundle(generator(), recipe(folder), folder / "x2vision-test", [], version="1.0.0", commit="0000000")
    return import_bundle(folder / "x2vision-test", allow_torchscript=True)


def sampled(prior: GenerativePrior, seed: int = 1) -> Volume:
    """A volume in HU that the generator can make, around the origin."""
    random = torch.Generator().manual_seed(seed)
    style = prior.style_mean + prior.style_deviation * torch.randn(prior.width, generator=random)
    noise = [torch.zeros(shape) for shape in prior.noise_shapes]
    with torch.no_grad():
        water = prior.water(style.expand(prior.layers, prior.width), noise).numpy()
    return Volume(1000 * (water - 1), prior.ijk_to_ras(np.zeros(3)))


def films(volume: Volume, angles_deg: list[float], secondary_deg: float = 0.0) -> tuple[Radiograph, ...]:
    """Line integrals of the volume from around it."""
    views = [
        XRayGeometry.from_c_arm(
            primary_angle_deg=angle,
            secondary_angle_deg=secondary_deg,
            source_to_detector_mm=1500.0,
            source_to_isocenter_mm=1000.0,
            size_px=(64, 56),
            pixel_spacing_mm=(10.0, 10.0),
        )
        for angle in angles_deg
    ]
    images = project(Volume(attenuation_from_hu(volume.voxels), volume.ijk_to_ras, "mu_per_mm"), views)
    return tuple(Radiograph(image, view, calibrated=True) for image, view in zip(images, views, strict=True))
