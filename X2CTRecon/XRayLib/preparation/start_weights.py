"""Weights to start a preparation from: of a network that has seen many patients, kept as an installed model bundle.

Such a bundle names the methods it serves and holds a ``.safetensors`` file (role "data") with the network's tensors by
name. A patient's training then starts where the many ended, which is what makes a preparation of minutes possible
(Gopalakrishnan et al., arXiv 2503.16309).
"""

from __future__ import annotations

import torch
from torch import nn

from XRayLib.bundle import installed_bundle
from XRayLib.errors import InputError
from XRayLib.metrics.safetensors import read_safetensors


def load_start_weights(network: nn.Module, bundle_id: str, what: str) -> None:
    """Put the bundle's tensors into the network.

    Raises
    ------
    InputError
        The bundle is not installed, is made for another method, or its network has other layers.
    """
    bundle = installed_bundle(bundle_id)
    if what not in bundle.methods or not bundle.has("data"):
        raise InputError(f"The model '{bundle_id}' holds no weights to start '{what}' from: choose another model.")
    arrays, _ = read_safetensors(bundle.file("data"))
    tensors = {name: torch.from_numpy(values.copy()) for name, values in arrays.items()}
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise InputError(
            f"The weights of '{bundle_id}' belong to a network of another size: choose its width and input size."
        ) from error
