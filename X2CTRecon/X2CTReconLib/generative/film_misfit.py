"""How far the projections of a volume are from the films: by pixel and by edges, relative to the films' contrast."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from XRayLib.ct import MU_WATER_PER_MM, Volume
from XRayLib.errors import InputError
from XRayLib.projector.torch_function import project_torch
from XRayLib.radiograph import Radiograph
from XRayLib.tomography import crossing_lengthwise, films_at

from X2CTReconLib.generative.features import feature_distance

PIXELS_PER_VOXEL = 2.0
SMALLEST_USABLE = 0.05


class FilmMisfit:
    """The films of a case against projections of a volume of fixed size and place.

    Raises InputError for films that see too little of the volume, or that it does not resemble at all.
    """

    def __init__(self, radiographs: Sequence[Radiograph], mean_water: Tensor, ijk_to_ras: NDArray[np.float64]) -> None:
        spacing_mm = float(np.linalg.norm(ijk_to_ras[:3, 0]))
        films = films_at(radiographs, spacing_mm / PIXELS_PER_VOXEL)
        self._geometries, self._ijk_to_ras = films.geometries, ijk_to_ras
        self._calibrated = films.calibrated
        device = mean_water.device
        extent = Volume(mean_water.cpu().numpy(), ijk_to_ras, "mu_per_mm")
        weights = films.weights * crossing_lengthwise(extent, films)
        self._films, self._weights = (torch.from_numpy(np.float32(a)).to(device) for a in (films.images, weights))
        images = self._projected(mean_water)
        for number, (image, weight) in enumerate(zip(images, self._weights, strict=True), 1):
            seen = (weight * (image > 0)).mean()
            gain = 1.0 if self._calibrated[number - 1] else float(self._gain_offset(number - 1, image)[0])
            if seen < SMALLEST_USABLE or gain <= 0:
                raise InputError(
                    f"X-ray {number} does not show the body part that the model knows: check its view, geometry and "
                    "intensity, or choose another method."
                )

    def __call__(self, water: Tensor) -> tuple[Tensor, Tensor]:
        """(squared residual, feature distance) of attenuation (k, j, i) in units of water's, means over the films."""
        images = self._projected(water)
        wanted = torch.stack([self._in_line_integrals(n, image.detach()) for n, image in enumerate(images)])
        counted = self._weights.sum(dim=(1, 2)).clamp(min=1e-6)
        middle = (self._weights * wanted).sum(dim=(1, 2)) / counted
        variance = (self._weights * (wanted - middle[:, None, None]).square()).sum(dim=(1, 2)) / counted
        contrast = variance.clamp(min=1e-8).sqrt()[:, None, None]
        relative, reference, weights = (a[:, None] for a in (images / contrast, wanted / contrast, self._weights))
        squared = (weights * (relative - reference).square()).sum() / weights.sum()
        return squared, feature_distance(relative, reference, weights)

    def _projected(self, water: Tensor) -> Tensor:
        return project_torch(MU_WATER_PER_MM * water, self._ijk_to_ras, self._geometries)

    def _in_line_integrals(self, number: int, image: Tensor) -> Tensor:
        """The film; one of unknown gain and offset on the scale of the present projection."""
        if self._calibrated[number]:
            return self._films[number]
        gain, offset = self._gain_offset(number, image)
        return (self._films[number] - offset) / gain.clamp(min=1e-3)

    def _gain_offset(self, number: int, image: Tensor) -> tuple[Tensor, Tensor]:
        """Of film ~ gain * image + offset, weighted least squares."""
        film, weight = self._films[number], self._weights[number]
        total = weight.sum().clamp(min=1e-6)
        image_mean, film_mean = (weight * image).sum() / total, (weight * film).sum() / total
        power = (weight * (image - image_mean).square()).sum().clamp(min=1e-9)
        gain = (weight * (image - image_mean) * (film - film_mean)).sum() / power
        return gain, film_mean - gain * image_mean
