"""A method that answers with what it was asked, so that a test sees the whole way from the command to the file."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np
from XRayLib.case import Case, Options, PoseQuality, Result
from XRayLib.ct import Volume
from XRayLib.errors import RefusedError
from XRayLib.metrics import DisplacementField
from XRayLib.registry import Method, Needs, Progress
from XRayLib.reprojection import reproject


class KnownDeformation(Method):
    """All of the CT, where it is, moved by 2 mm toward R, 3 mm toward A and 4 mm toward S; refused as KnownPose."""

    id: ClassVar[str] = "test-deformation"
    title: ClassVar[str] = "Test deformation"
    summary: ClassVar[str] = "Only for tests."
    returns: ClassVar[str] = "deformation"
    needs: ClassVar[Needs] = Needs(min_views=1, max_views=2, ct=True)

    def run(self, case: Case, options: Options, progress: Progress) -> Result:
        """Says in its provenance which organ and labels it was given."""
        found = KnownPose().run(case, options, progress)
        vectors = np.broadcast_to(np.float32((-2, -3, -4)), (*case.ct.voxels.shape, 3))
        organ = None if case.mesh is None else len(case.mesh.points)
        labels = None if case.labels is None else float(case.labels.voxels.max())
        return replace(
            found,
            method=self.id,
            deformation=DisplacementField(vectors, case.ct.ijk_to_ras),
            quality={"folding_fraction": 0.0},
            provenance={"organ": organ, "labels": labels},
        )


class KnownPose(Method):
    """The initial pose moved by 1 mm toward R; refused for a film without bright pixels in its upper left corner."""

    id: ClassVar[str] = "test-pose"
    title: ClassVar[str] = "Test pose"
    summary: ClassVar[str] = "Only for tests."
    returns: ClassVar[str] = "pose"
    needs: ClassVar[Needs] = Needs(min_views=1, max_views=2, ct=True)

    def run(self, case: Case, options: Options, progress: Progress) -> Result:
        progress(0.5, "thinking")
        corner = float(case.radiographs[0].line_integral[0, 0])
        if corner < -0.5 or options.extra.get("rotation_range_deg") == 0:
            raise RefusedError("The CT meets no film.")
        start = np.eye(4) if case.initial_ct_to_world is None else case.initial_ct_to_world
        pose = start.copy()
        pose[0, 3] += 1.0
        accepted = corner > 0.5
        quality = PoseQuality(
            covariance_mm_rad=np.diag([0.01, 9.0, 0.04, 1e-4, 1e-4, 1e-4]),
            confidence=0.9 if accepted else 0.1,
            accepted=accepted,
            reason="" if accepted else "The corner is dark: take another film.",
            similarity={"corner": corner},
            seconds={"thinking": 0.1},
            initial_ct_to_world=start,
        )
        picked = 0 if case.landmarks is None else int(np.isfinite(case.landmarks.pixels).all(axis=2).sum())
        return Result(
            self.id,
            ct_to_world=pose,
            pose_quality=quality,
            views=reproject(Volume(case.ct.voxels, pose @ case.ct.ijk_to_ras), case.radiographs),
            warnings=("A warning.",),
            provenance={"options": {**options.extra, "bundle": options.bundle, "seed": options.seed}, "picked": picked},
        )
