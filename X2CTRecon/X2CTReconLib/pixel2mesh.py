"""Pixel2Mesh: a coarse surface, deformed and refined in three blocks."""

from __future__ import annotations

from X2CTReconLib.mesh_method import MeshMethod


class Pixel2Mesh(MeshMethod):
    """The published network with the camera of the film."""

    id = "pixel2mesh"
    title = "Pixel2Mesh"
    summary = (
        "A coarse closed surface is deformed and refined in three steps by image features of one X-ray, trained for "
        "this patient. It knows no corresponding points, so that no displacement of a point of the organ can be read "
        "off; for comparison."
    )
    citation = (
        "Wang N. et al., Pixel2Mesh: Generating 3D Mesh Models from Single RGB Images, ECCV 2018, arXiv 1804.01654"
    )
