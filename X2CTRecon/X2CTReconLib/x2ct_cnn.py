"""X2CT-CNN: the X2CT generator trained without a discriminator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from X2CTReconLib.x2ct_network import X2CTMethod


class X2CTCNN(X2CTMethod):
    """The reconstruction that is best on average: no texture beyond what the films support; the default."""

    id = "x2ct-cnn"
    title = "X2CT-CNN"
    summary = (
        "A convolutional network turns a PA (and a lateral) chest X-ray into a CT-like volume in seconds. It shows the "
        "size and place of body, lungs, heart and diaphragm; inner detail is an average of the CTs it was trained on. "
        "It cannot show pathology."
    )
    citation = "Ying X. et al., X2CT-GAN: Reconstructing CT from Biplanar X-Rays with GANs, CVPR 2019, arXiv 1905.06902"
    default_bundles: ClassVar[Mapping[int, str]] = {1: "x2ct-cnn-chest-1view", 2: "x2ct-cnn-chest-2view"}
