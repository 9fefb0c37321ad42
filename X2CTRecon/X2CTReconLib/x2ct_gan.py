"""X2CT-GAN: the X2CT generator trained against a 3D patch discriminator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from X2CTReconLib.x2ct_network import X2CTMethod


class X2CTGAN(X2CTMethod):
    """Trained for texture as well as for voxel values."""

    id = "x2ct-gan"
    title = "X2CT-GAN"
    summary = (
        "The network of X2CT-CNN trained further against a discriminator that asks for CT-like texture. Edges look "
        "sharper, and fine structures may be invented. It cannot show pathology."
    )
    citation = "Ying X. et al., X2CT-GAN: Reconstructing CT from Biplanar X-Rays with GANs, CVPR 2019, arXiv 1905.06902"
    default_bundles: ClassVar[Mapping[int, str]] = {1: "x2ct-gan-chest-1view", 2: "x2ct-gan-chest-2view"}
