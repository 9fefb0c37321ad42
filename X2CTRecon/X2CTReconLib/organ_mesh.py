"""Our organ mesh: deformation modes, a graph residual, error bars, and a registration on the radiographs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from XRayLib.case import Case, Options
from XRayLib.registry import Needs, Progress, part_of

from X2CTReconLib.mesh_method import Matrix, MeshMethod

if TYPE_CHECKING:
    from X2CTReconLib.mesh_preparation.mesh_model import PreparedMeshModel, SeenMesh
    from X2CTReconLib.mesh_preparation.refinement import Refined


class OrganMesh(MeshMethod):
    """``Options.extra["refine"]`` False leaves the network's answer as it is: milliseconds instead of a minute."""

    id = "organ-mesh"
    title = "Organ mesh"
    summary = (
        "Finds a breathing organ's surface on one or more X-rays of any angle, with an error bar for every vertex: a "
        "network trained for this patient combines the modes of its motion with local corrections; a deformable "
        "registration then improves the match. Along the beam of a single film the error bars are long."
    )
    citation = (
        "After Deep-Motion-Net, 2024, arXiv 2407.06692, and Nakao M. et al., MICCAI 2021; deviations as Kendall A. and "
        "Gal Y., NeurIPS 2017"
    )
    needs: ClassVar[Needs] = Needs(min_views=1, max_views=4, ct=True, mesh=True)

    def combined(self, model: PreparedMeshModel, case: Case, pose: Matrix, waiting: Callable[[], None]) -> SeenMesh:
        """Every film's answer, weighted by its own covariance."""
        from X2CTReconLib.mesh_preparation.combine import combined

        return combined([model.seen(radiograph, pose, waiting) for radiograph in case.radiographs])

    def refined(
        self,
        model: PreparedMeshModel,  # noqa: ARG002 - the registration opens it for its start
        case: Case,
        pose: Matrix,
        seen: SeenMesh,
        options: Options,
        progress: Progress,
    ) -> Refined:
        """See :func:`X2CTReconLib.mesh_preparation.refinement.refine`."""
        from X2CTReconLib.mesh_preparation.refinement import Refined, refine

        if not options.flag("refine", True):
            return Refined(seen)
        return refine(case, pose, options, part_of(progress, 0.35, 0.95))
