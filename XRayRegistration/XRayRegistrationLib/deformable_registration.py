"""Deformable registration: a CT placed on X-rays and deformed as far as they tell."""

from __future__ import annotations

from typing import ClassVar

from XRayLib.case import Case, Options, Result
from XRayLib.registry import Method, Needs, Progress


class DeformableRegistration(Method):
    """Rigid, then bones, then breathing organs."""

    id: ClassVar[str] = "deformable"
    title: ClassVar[str] = "Deformable (no training)"
    summary: ClassVar[str] = (
        "Finds the pose as Intensity does, then moves bones each as a whole and lets the patient breathe and the organ "
        "shift, turn and slowly deform until the projections match all films. Deforms only as far as the films tell, "
        "and says how sure each point is; motion that they do not show stays as breathing is expected."
    )
    citation: ClassVar[str] = (
        "Bones as in V. Gopalakrishnan et al., PolyPose: deformable 2D/3D registration via polyrigid transformations, "
        "NeurIPS 2025"
    )
    returns: ClassVar[str] = "deformation"
    needs: ClassVar[Needs] = Needs(min_views=1, max_views=10, ct=True)

    def run(self, case: Case, options: Options, progress: Progress) -> Result:
        """Pose and deformation with their quality; ``Options.extra`` as of RigidSettings."""
        from XRayRegistrationLib.deformable.registration import register_deformable

        return register_deformable(case, options, progress, method=self.id)
