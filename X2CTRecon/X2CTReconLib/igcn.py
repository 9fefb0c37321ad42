"""IGCN: image features at the projected vertices, and a graph network."""

from __future__ import annotations

from X2CTReconLib.mesh_method import MeshMethod


class Igcn(MeshMethod):
    """The published network with the camera of the film."""

    id = "igcn"
    title = "IGCN"
    summary = (
        "A network trained for this patient finds a breathing organ's surface on one X-ray of any angle: image "
        "features at the projected vertices and a graph network, as published. Fast; it gives no error bars, and along "
        "the beam it guesses from experience."
    )
    citation = (
        "Nakao M. et al., Image-to-Graph Convolutional Network for Deformable Shape Reconstruction from a Single "
        "Projection Image, MICCAI 2021, arXiv 2108.12533"
    )
