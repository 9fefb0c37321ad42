"""Wu et al. 2019: a CNN regresses the coefficients of one patient's deformation model."""

from __future__ import annotations

from X2CTReconLib.mesh_method import MeshMethod


class LungShape(MeshMethod):
    """The published idea with modes of breathing motion and the camera of the film."""

    id = "lung-shape"
    title = "Deformation model (Wu 2019)"
    summary = (
        "A small network, trained for this patient, reads off one X-ray how strongly each mode of the organ's motion "
        "is present; made for lungs. Smooth and robust, but it shows only what the modes hold, and no error bars."
    )
    citation = (
        "Wu S. et al., Reconstructing 3D Lung Shape from a Single 2D Image during the Deaeration Deformation Process "
        "using Model-based Data Augmentation, IEEE BHI 2019"
    )
