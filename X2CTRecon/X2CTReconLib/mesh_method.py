"""What the mesh methods share: a network prepared for one organ of one CT, its surface in the films' world."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from XRayLib.case import Case, Options, Result, SurfaceMesh
from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.prepared_method import PreparedMethod
from XRayLib.registry import Needs, Progress

if TYPE_CHECKING:
    from X2CTReconLib.mesh_preparation.mesh_model import PreparedMeshModel, SeenMesh
    from X2CTReconLib.mesh_preparation.refinement import Refined

Matrix = NDArray[np.float64]

FARTHEST_VIEW_DEG = 30.0
"""From the nearest prepared view, before the user is told."""
NOTHING: Mapping[str, Any] = {"bundle": None, "iterations": 0, "seconds": 0.0, "finished": False, "validation": {}}


class MeshMethod(PreparedMethod):
    """From one film, with the CT and the organ in it, to the organ's surface where it is on the film."""

    returns: ClassVar[str] = "mesh"
    needs: ClassVar[Needs] = Needs(min_views=1, max_views=1, ct=True, mesh=True)

    def prepare(
        self,
        ct: Volume,
        settings: Mapping[str, Any],
        progress: Progress,
        *,
        mesh: SurfaceMesh | None = None,
        resume: bool = True,
    ) -> Path:
        """See :func:`X2CTReconLib.mesh_preparation.prepare.prepare_mesh`."""
        from X2CTReconLib.mesh_preparation.prepare import prepare_mesh

        if mesh is None:
            raise InputError(f"{self.title} is prepared for an organ: choose its surface or its segmentation.")
        return prepare_mesh(ct, mesh, self.id, settings, progress, resume)

    def preparation_state(self, ct: Volume, mesh: SurfaceMesh | None = None) -> dict[str, Any]:
        """See :func:`XRayLib.preparation.patient_folder.preparation_state`; nothing without an organ."""
        from XRayLib.preparation.patient_folder import patient_folder, preparation_state

        return dict(NOTHING) if mesh is None else preparation_state(patient_folder(ct, mesh), self.id)

    def run(self, case: Case, options: Options, progress: Progress) -> Result:
        """The organ's surface in the films' world; scalars ``displacement_mm`` and, where known, ``deviation_mm``.

        ``displacement_mm`` is how far each vertex has moved from where the CT's pose puts it, ``deviation_mm`` the root
        of the expected squared error of its place.

        Raises
        ------
        InputError
            When the organ has not been prepared, or the CT's pose puts it off a film.
        """
        from XRayLib.preparation.prepared_model import prepared_folder

        started = time.perf_counter()
        progress(0.0, "Opening the organ's network")
        model = opened_model(prepared_folder(case, self.id, self.title, organ=True), options.device)
        pose = np.eye(4) if case.initial_ct_to_world is None else np.asarray(case.initial_ct_to_world, float)
        check_on_films(model, case, pose)
        progress(0.2, "Reading the films")
        seen = self.combined(model, case, pose, lambda: progress(0.3, "Reading the films"))
        predicted = time.perf_counter()
        refined = self.refined(model, case, pose, seen, options, progress)
        progress(1.0, "Done")
        bundle = model.session.bundle
        return Result(
            method=self.id,
            mesh=mesh_in_world(model, refined.seen, pose),
            ct_to_world=pose,
            quality=dict(refined.quality),
            warnings=(*unprepared_views(model, case, pose), *refined.warnings, *model.session.fallbacks),
            provenance={
                "method": self.id,
                "bundle": {"id": bundle.id, "version": bundle.version, "sha256": bundle.sha256},
                "device": model.session.provider,
                "options": {"device": options.device, "seed": options.seed, "extra": dict(options.extra)},
                "validation": dict(model.validation),
                "seconds_prediction": round(predicted - started, 3),
                "seconds": round(time.perf_counter() - started, 3),
            },
        )

    def combined(self, model: PreparedMeshModel, case: Case, pose: Matrix, waiting: Callable[[], None]) -> SeenMesh:
        """What the films say together; a method of one view has one."""
        return model.seen(case.radiographs[0], pose, waiting)

    def refined(
        self,
        model: PreparedMeshModel,  # noqa: ARG002 - subclasses use what they need
        case: Case,  # noqa: ARG002
        pose: Matrix,  # noqa: ARG002
        seen: SeenMesh,
        options: Options,  # noqa: ARG002
        progress: Progress,  # noqa: ARG002
    ) -> Refined:
        """The mesh brought nearer to the films; as published, the network's own answer."""
        from X2CTReconLib.mesh_preparation.refinement import Refined

        return Refined(seen)


def opened_model(folder: Path, device: str) -> PreparedMeshModel:
    """The network of a prepared bundle, kept open for the next film until it is prepared anew."""
    return _opened(folder, device, (folder / "model.json").stat().st_mtime_ns)


@lru_cache(maxsize=1)
def _opened(folder: Path, device: str, _written_ns: int) -> PreparedMeshModel:
    from X2CTReconLib.mesh_preparation.mesh_model import PreparedMeshModel

    return PreparedMeshModel.opened(folder, device)


def mesh_in_world(model: PreparedMeshModel, seen: SeenMesh, ct_to_world: Matrix) -> SurfaceMesh:
    """The surface where it is now, in the frame of the films' geometry."""
    surface = model.surface
    moved = surface.points + seen.displacement_mm
    scalars = {"displacement_mm": np.linalg.norm(seen.displacement_mm, axis=1)}
    if seen.covariance_mm2 is not None:
        scalars["deviation_mm"] = np.sqrt(np.einsum("vii->v", seen.covariance_mm2))
    return SurfaceMesh(moved @ ct_to_world[:3, :3].T + ct_to_world[:3, 3], surface.triangles, scalars)


def check_on_films(model: PreparedMeshModel, case: Case, ct_to_world: Matrix) -> None:
    """InputError when the organ's middle does not project onto a film."""
    middle = ct_to_world[:3, :3] @ model.middle_ras_mm + ct_to_world[:3, 3]
    for number, radiograph in enumerate(case.radiographs, 1):
        geometry = radiograph.geometry
        place = geometry.project(middle)[0] / np.array(geometry.size_px)
        if geometry.depth_mm(middle)[0] <= 0 or np.abs(place - 0.5).max() > 0.75:
            raise InputError(
                f"X-ray {number} does not show the organ where the CT lies now: register the CT first, or check the "
                "geometry of the film."
            )


def unprepared_views(model: PreparedMeshModel, case: Case, ct_to_world: Matrix) -> tuple[str, ...]:
    """A sentence for every film from a direction that the network has never seen."""
    sentences = []
    for number, radiograph in enumerate(case.radiographs, 1):
        angle = model.degrees_from_prepared(model.organ_view(radiograph, ct_to_world), np.eye(4))
        if angle > FARTHEST_VIEW_DEG:
            sentences.append(
                f"X-ray {number} is taken {angle:.0f} degrees from the views that the network was prepared for: "
                f"prepare the organ for primary angle {radiograph.geometry.primary_angle_deg:.0f} as well."
            )
    return tuple(sentences)
