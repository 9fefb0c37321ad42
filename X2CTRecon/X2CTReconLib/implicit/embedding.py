"""Stage 1: the network learns the earlier CT (Shen et al. 2022, section III-B); kept per patient."""

from __future__ import annotations

import hashlib
import json
import logging
import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from XRayLib.registry import Progress
from XRayLib.whole_file import whole_file

from X2CTReconLib.implicit.network import ImplicitVolume
from X2CTReconLib.implicit.settings import ImplicitSettings

logger = logging.getLogger(__name__)


def embedding_file(folder: Path, settings: ImplicitSettings, seed: int) -> Path:
    """Where a patient's embedded CT is kept: a name for everything that it depends on."""
    key = json.dumps({"format": 1, "seed": seed, **settings.of_embedding()}, sort_keys=True)
    return folder / f"embedded-{hashlib.sha256(key.encode()).hexdigest()[:16]}.npz"


def new_network(settings: ImplicitSettings, seed: int, device: torch.device) -> ImplicitVolume:
    """Random weights; the same for the same seed on every device."""
    return ImplicitVolume(settings, torch.Generator().manual_seed(seed)).to(device)


def embed(
    network: ImplicitVolume,
    positions: Tensor,
    values: Tensor,
    settings: ImplicitSettings,
    seed: int,
    progress: Progress,
) -> None:
    """Fit the network to ``values`` (n,) at ``positions`` (n, 3) by half the mean squared error with Adam."""
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.embedding_rate, weight_decay=settings.weight_decay)
    generator = torch.Generator().manual_seed(seed + 1)
    whole = not 0 < settings.embedding_batch < len(values)
    features, wanted = network.encoded(positions), values
    for iteration in range(settings.embedding_iterations):
        progress(iteration / settings.embedding_iterations, "Learning the earlier CT")
        chosen = slice(None)
        if not whole:
            chosen = torch.randint(len(values), (settings.embedding_batch,), generator=generator).to(values.device)
        optimiser.zero_grad()
        loss = 0.5 * torch.mean((network(features[chosen]) - wanted[chosen]) ** 2)
        loss.backward()
        optimiser.step()


def load_embedding(network: ImplicitVolume, file: Path) -> bool:
    """Put a kept embedding into the network; False when there is none that fits."""
    if not file.is_file():
        return False
    try:
        with np.load(file, allow_pickle=False) as arrays:
            tensors = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
        if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
            raise ValueError("values that are not numbers")
        network.load_state_dict(tensors)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, EOFError, zipfile.BadZipFile) as error:
        logger.warning("The kept embedding cannot be read and is computed again: %s", error)
        return False
    return True


def save_embedding(network: ImplicitVolume, file: Path) -> None:
    """Keep the weights as plain arrays, in one step."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(file) as unfinished:
        np.savez(unfinished, **{name: tensor.cpu().numpy() for name, tensor in network.state_dict().items()})
