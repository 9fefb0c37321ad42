"""Deformable registration by a network: film and CT in, displacement field out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from XRayLib.case import Case, Options, Result, SurfaceMesh
from XRayLib.ct import Volume
from XRayLib.prepared_method import PreparedMethod
from XRayLib.registry import Needs, Progress


class DisplacementFieldRegistration(PreparedMethod):
    """The pose by ``intensity``, the deformation by a network that was prepared for the patient."""

    id: ClassVar[str] = "displacement-field"
    title: ClassVar[str] = "Displacement field (network)"
    summary: ClassVar[str] = (
        "Finds the pose as Intensity does; then a network trained for this patient compares the film with the CT's "
        "projection and answers with a displacement field, in milliseconds. Follows breathing as its training "
        "simulated it; does not check itself against the film."
    )
    citation: ClassVar[str] = (
        "After S. Miura et al., 2D/3D deformable image registration for organ motion from a single radiograph, 2022 "
        "(arXiv 2212.05445); trained on one patient's simulated motion as F. Lecomte et al., 2022 (arXiv 2212.07692)"
    )
    returns: ClassVar[str] = "deformation"
    needs: ClassVar[Needs] = Needs(min_views=1, max_views=10, ct=True)

    def prepare(
        self,
        ct: Volume,
        settings: Mapping[str, Any],
        progress: Progress,
        *,
        mesh: SurfaceMesh | None = None,
        resume: bool = True,
    ) -> Path:
        """See :func:`XRayRegistrationLib.displacement.prepare.prepare_displacement`."""
        from XRayRegistrationLib.displacement.prepare import prepare_displacement

        return prepare_displacement(ct, settings, progress, mesh=mesh, resume=resume)

    def preparation_state(self, ct: Volume, mesh: SurfaceMesh | None = None) -> dict[str, Any]:
        """What exists for this CT, and organ when there is one."""
        from XRayLib.preparation.patient_folder import patient_folder, preparation_state

        return preparation_state(patient_folder(ct, mesh), self.id)

    def run(self, case: Case, options: Options, progress: Progress) -> Result:
        """Pose, and deformation with its folding fraction; ``Options.extra`` as of RigidSettings.

        Raises
        ------
        InputError
            When the patient has not been prepared.
        """
        from XRayRegistrationLib.displacement.registration import register_displacement

        return register_displacement(case, options, progress, self.id, self.title)
