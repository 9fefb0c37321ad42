"""Deformable atlas: an average chest, deformed and then changed until it projects to the films. No network."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from XRayLib.case import Case, Options, Result
from XRayLib.ct import Volume
from XRayLib.ct.tissue_labels import TISSUE_LIMITS_HU
from XRayLib.radiograph import Radiograph
from XRayLib.radiograph.lateral_facing import facing_corrected
from XRayLib.registry import Method, Needs, Progress, part_of

from X2CTReconLib.input_check.standard_views import standard_view_warnings
from X2CTReconLib.network_result import AIR_HU, TASK, bundle_for, residual_warnings
from X2CTReconLib.run_provenance import versions, view_provenance
from X2CTReconLib.x2ct_views import assumed_of

LUNG, SKIN_VOXELS = 1, 2

LIMIT = (
    "The X-rays do not determine a volume: depth along the beams and everything inside the organs is the average of a "
    "few CTs. Never read pathology from it."
)

LARGE_DEVIATIONS = 4.0
"""Of the sizes along the axes: patients of the atlas differ from one of the others by 2.8 at most."""

UNLIKE = (
    "The atlas had to be stretched further than chests of its patients differ: check the views, their geometry and the "
    "body part, and do not trust the volume's inner structure."
)


class DeformableAtlas(Method):
    """``Options.extra``: ``consistent`` is always on; the volume agrees with the films by construction."""

    id = "atlas"
    title = "Deformable atlas (no network)"
    summary = (
        "Deforms the average of eight chest CTs, brought into one shape before, until it projects to 1 to 20 films "
        "from any direction, and takes the mean of what they allow: blurred where they leave the shape open. Then its "
        "densities change as little as needed. States its uncertainty at every voxel. "
        "Organs are where the films show them; all inner structure is that of the average and cannot show pathology."
    )
    citation = "XRay3D: groupwise chest atlas deformed to cone-beam projections, see the model card of lifting-chest."
    returns: ClassVar[str] = "volume"
    needs: ClassVar[Needs] = Needs(min_views=1, max_views=20, bundle_task=TASK)
    default_bundle: ClassVar[str] = "lifting-chest"

    def run(self, case: Case, options: Options, progress: Progress) -> Result:
        """Volume and standard deviation in HU in the atlas' cube around the isocentre, and tissues by density.

        Raises
        ------
        InputError
            For films without contrast, a source inside the cube, or a model without an atlas.
        """
        from X2CTReconLib.population_atlas import consistent_atlas, stored_atlas

        started = time.perf_counter()
        progress(0.0, "Loading the average patient")
        bundle = bundle_for(self, options.bundle or self.default_bundle)
        stored = stored_atlas(bundle)
        radiographs, turned = facing_corrected(case.radiographs)
        strange = standard_view_warnings(radiographs, case.isocenter_ras_mm)
        spacing = (stored.edge_mm / stored.hu.shape[0],) * 3
        atlas = Volume.axis_aligned(stored.hu, spacing, case.isocenter_ras_mm)
        fitted, agreement = consistent_atlas(atlas, radiographs, options.device, part_of(progress, 0.05, 0.95))
        # What two exact films leave is inner structure; how far these leave the shape open comes on top of it.
        inner = fitted.carried(stored.deviation_hu)
        deviation = np.hypot(inner, fitted.spread(inner.shape[0]))
        coarse = (stored.edge_mm / deviation.shape[0],) * 3
        residuals = [view.residual for view in agreement.views]
        progress(1.0, "Done")
        return Result(
            method=self.id,
            volume=Volume(np.maximum(agreement.volume.voxels, AIR_HU), agreement.volume.ijk_to_ras),
            uncertainty=Volume.axis_aligned(deviation, coarse, case.isocenter_ras_mm, "HU_sd"),
            labels=Volume(tissues_by_density(agreement.volume.voxels), agreement.volume.ijk_to_ras, "label"),
            views=agreement.views,
            quality={
                **{f"reprojection_residual_{n}": float(r) for n, r in enumerate(residuals, 1)},
                "deformation_p95_mm": fitted.displacement_p95_mm,
                **agreement.quality,
            },
            warnings=(
                LIMIT,
                *((UNLIKE,) if np.abs(fitted.parameters[:3]).max() > LARGE_DEVIATIONS else ()),
                *(f"View {n}: {text}" for n, r in enumerate(radiographs, 1) for text in assumed_of(r)),
                *turned,
                *strange,
                *residual_warnings(residuals),
                *agreement.warnings,
            ),
            provenance=self._provenance(
                bundle, options, case.isocenter_ras_mm, stored.edge_mm, radiographs, agreement.provenance, started
            ),
        )

    def _provenance(
        self,
        bundle: Any,
        options: Options,
        center_ras_mm: NDArray[np.float64],
        edge_mm: float,
        radiographs: Sequence[Radiograph],
        consistency: Mapping[str, Any],
        started: float,
    ) -> dict[str, Any]:
        return {
            "method": self.id,
            "bundle": {"id": bundle.id, "version": bundle.version, "sha256": bundle.sha256},
            "options": {"device": options.device, "bundle": options.bundle, "seed": options.seed},
            "cube": {
                "center_ras_mm": [float(c) for c in center_ras_mm],
                "edge_mm": edge_mm,
            },
            "views": [view_provenance(radiograph) for radiograph in radiographs],
            **consistency,
            "versions": versions("scipy"),
            "seconds": round(time.perf_counter() - started, 3),
        }


def tissues_by_density(hu: NDArray[np.float32]) -> NDArray[np.float32]:
    """(k, j, i): the number of the tissue that the density stands for, of air, lung, soft tissue and bone.

    Only what the body surrounds in its axial slice is lung: at the skin air and tissue share voxels.
    """
    from scipy import ndimage

    found = np.digitize(hu, TISSUE_LIMITS_HU)
    body = np.stack([ndimage.binary_fill_holes(axial) for axial in found > LUNG])
    deep = ndimage.binary_erosion(body, np.ones((1, 3, 3)), iterations=SKIN_VOXELS)
    found[(found == LUNG) & ~deep] = 0
    return found.astype(np.float32)
