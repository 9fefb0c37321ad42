"""IGCN+: a displacement map drawn by a U-Net, and a graph network."""

from __future__ import annotations

from X2CTReconLib.mesh_method import MeshMethod


class IgcnPlus(MeshMethod):
    """The published network with the camera of the film."""

    id = "igcn-plus"
    title = "IGCN+"
    summary = (
        "The successor of IGCN, trained for this patient: a U-Net draws a map of the displacement, a graph network "
        "makes a surface of it. Larger and slower to train than IGCN; it gives no error bars."
    )
    citation = (
        "Nakao M. et al., Image-to-Graph Convolutional Network for 2D/3D Deformable Model Registration of Low-Contrast "
        "Organs, IEEE Transactions on Medical Imaging 41(12):3747, 2022"
    )
