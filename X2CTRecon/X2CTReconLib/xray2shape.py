"""X-ray2Shape: a mean shape deformed by a graph network."""

from __future__ import annotations

from X2CTReconLib.mesh_method import MeshMethod


class Xray2Shape(MeshMethod):
    """The published network with the camera of the film."""

    id = "xray2shape"
    title = "X-ray2Shape"
    summary = (
        "A graph network, trained for this patient, deforms the mean shape of the breathing organ by image features of "
        "one X-ray. The predecessor of IGCN, for comparison; it gives no error bars."
    )
    citation = (
        "Tong F. et al., X-ray2Shape: Reconstruction of 3D Liver Shape from a Single 2D Projection Image, EMBC 2020"
    )
