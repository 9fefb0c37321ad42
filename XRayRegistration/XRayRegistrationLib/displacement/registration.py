"""Registration with a prepared displacement network."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from XRayLib.case import Case, Options, Result
from XRayLib.preparation.patient_folder import prepared_bundle
from XRayLib.preparation.prepared_model import prepared_folder
from XRayLib.registry import Progress, part_of

from XRayRegistrationLib.deformable.deformed_result import field_numbers, moved_mesh, projected
from XRayRegistrationLib.deformable.registration import kept_pose
from XRayRegistrationLib.displacement.network_input import projector_of
from XRayRegistrationLib.displacement.prediction import PreparedDisplacementModel, working_volume
from XRayRegistrationLib.rigid.registration import register_rigid

RIGID_SHARE = 0.8
UNCHECKED = "The deformation is what the network recognised: it has not been checked against the X-rays."


def register_displacement(case: Case, options: Options, progress: Progress, method: str, title: str) -> Result:
    """The rigid registration's pose, and the field that the network sees on the films from there.

    Raises
    ------
    InputError
        No CT, or the patient has not been prepared.
    RefusedError
        As :func:`register_rigid`.
    """
    of_organ = case.mesh is not None and prepared_bundle(case.ct, method, case.mesh) is not None
    model = PreparedDisplacementModel.opened(prepared_folder(case, method, title, organ=of_organ), options.device)
    kept = kept_pose(case, options)
    rigid = register_rigid(case, options, part_of(progress, 0.0, RIGID_SHARE), kept, method=method)
    started = time.perf_counter()
    progress(RIGID_SHARE, "Recognising the deformation")
    ct = working_volume(case.ct)
    films = tuple(view.radiograph for view in rigid.views)
    field = model.field(
        films, rigid.ct_to_world, projector_of(ct, options.device), lambda: progress(0.9, "Recognising the deformation")
    )
    views = projected(ct, field, rigid.ct_to_world, films, options.device)
    seconds = {**rigid.pose_quality.seconds, "prediction": round(time.perf_counter() - started, 3)}
    bundle = model.session.bundle
    return replace(
        rigid,
        deformation=field,
        mesh=None if case.mesh is None else moved_mesh(case.mesh, field, rigid.ct_to_world),
        views=views,
        pose_quality=replace(rigid.pose_quality, seconds=seconds),
        quality=rigid.quality
        | field_numbers(field)
        | {"reprojection_residual": float(np.mean([view.residual for view in views]))},
        warnings=(*rigid.warnings, UNCHECKED, *model.session.fallbacks),
        provenance={
            **rigid.provenance,
            "bundle": {"id": bundle.id, "version": bundle.version, "sha256": bundle.sha256},
            "validation": dict(model.validation),
            "seconds": seconds,
        },
    )
