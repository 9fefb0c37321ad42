"""Intensity-based registration: search without training, then refinement on the films themselves."""

from __future__ import annotations

from typing import ClassVar

from XRayLib.case import Case, Options, Result
from XRayLib.registry import Method, Needs, Progress


class IntensityRegistration(Method):
    """Places a CT on one or more X-rays by comparing its projections with them."""

    id: ClassVar[str] = "intensity"
    title: ClassVar[str] = "Intensity (no training)"
    summary: ClassVar[str] = (
        "Projects the CT at a grid of poses, or starts from yours or from landmarks, and refines the best with "
        "Levenberg-Marquardt on locally normalised images until the projections match all films. Needs no training and "
        "no graphics card. From one film, depth is known only by magnification."
    )
    citation: ClassVar[str] = (
        "mNCC as in V. Gopalakrishnan et al., Rapid patient-specific neural networks for intraoperative X-ray to "
        "volume registration, 2025 (arXiv 2503.16309)"
    )
    returns: ClassVar[str] = "pose"
    needs: ClassVar[Needs] = Needs(min_views=1, max_views=10, ct=True)

    def run(self, case: Case, options: Options, progress: Progress) -> Result:
        """The pose with its quality; ``Options.extra`` as of RigidSettings."""
        from XRayRegistrationLib.rigid.registration import register_rigid

        return register_rigid(case, options, progress, method=self.id)
