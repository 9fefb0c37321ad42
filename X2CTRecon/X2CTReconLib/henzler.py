"""Single-image tomography (Henzler et al. 2018): one frontal film to a volume by a 2D network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from XRayLib.registry import Needs

from X2CTReconLib.network_result import TASK
from X2CTReconLib.x2ct_network import X2CTMethod


class Henzler(X2CTMethod):
    """Depth is the network's channels: nothing in three dimensions is built in."""

    id = "henzler"
    title = "Single-image tomography"
    summary = (
        "A two-dimensional network turns one frontal chest X-ray into depth slices of a CT-like volume and sharpens "
        "them with the film. It knows nothing of the geometry beyond the isocentre; depth is a guess from the CTs it "
        "was trained on. It cannot show pathology."
    )
    citation = (
        "Henzler P. et al., Single-image Tomography: 3D Volumes from 2D Cranial X-Rays, Computer Graphics Forum 37(2), "
        "2018, arXiv 1710.04867"
    )
    needs: ClassVar[Needs] = Needs(min_views=1, max_views=1, bundle_task=TASK)
    default_bundles: ClassVar[Mapping[int, str]] = {1: "henzler-chest-1view"}
