"""Styles and noise are changed until the generated volume projects to the films."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from XRayLib.registry import Progress

from X2CTReconLib.generative.film_misfit import FilmMisfit
from X2CTReconLib.generative.losses import colinearity_loss, noise_loss, style_loss
from X2CTReconLib.generative.prior import GenerativePrior
from X2CTReconLib.generative.settings import PriorSettings


@dataclass(frozen=True, eq=False)
class Fitted:
    """``water`` (k, j, i) in units of water's attenuation; terms of the loss before the first and after the last step;
    ``style_deviations``: root mean square distance of the styles from training's mean, in standard deviations."""

    water: NDArray[np.float32]
    first: dict[str, float]
    last: dict[str, float]
    style_deviations: float
    noise_rms: float


def fitted(prior: GenerativePrior, misfit: FilmMisfit, settings: PriorSettings, progress: Progress) -> Fitted:
    """Adam from the mean style without noise; rates fall to 0 along a cosine."""
    away = torch.zeros(prior.layers, prior.width, device=prior.device, requires_grad=True)
    noise = [torch.zeros(shape, device=prior.device, requires_grad=True) for shape in prior.noise_shapes]
    rates = (settings.style_rate, settings.noise_rate)
    groups = [{"params": p, "lr": rate} for p, rate in zip(([away], noise), rates, strict=True)]
    optimiser = torch.optim.Adam(groups)
    history: list[dict[str, float]] = []

    def loss() -> torch.Tensor:
        styles = prior.style_mean + prior.style_deviation * away
        squared, features = misfit(prior.water(styles, noise))
        terms = {
            "pixel": (settings.pixel_weight, squared),
            "feature": (settings.feature_weight, features),
            "style": (settings.style_weight, style_loss(styles, prior.style_mean, prior.style_deviation)),
            "colinearity": (settings.colinearity_weight, colinearity_loss(styles)),
            "noise": (settings.noise_weight, noise_loss(noise)),
        }
        history.append({name: float(term.detach()) for name, (_, term) in terms.items()})
        return sum(weight * term for weight, term in terms.values())  # type: ignore[return-value]

    for step in range(settings.steps):
        progress(step / settings.steps, "Matching the X-rays")
        share = 0.5 * (1 + math.cos(math.pi * step / settings.steps))
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = share * rate
        optimiser.zero_grad()
        loss().backward()
        optimiser.step()
    with torch.no_grad():
        loss()
        water = prior.water(prior.style_mean + prior.style_deviation * away, noise)
        rms = torch.cat([layer.ravel() for layer in noise]).square().mean().sqrt()
        return Fitted(water.cpu().numpy(), history[0], history[-1], float(away.square().mean().sqrt()), float(rms))
