"""X2Vision: a generator of chest volumes, steered until its volume projects to the X-rays."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from XRayLib.case import Case, Options, Result
from XRayLib.errors import InputError
from XRayLib.registry import Method, Needs, Progress, part_of

from X2CTReconLib.run_provenance import versions, view_provenance

TASK = "volume_prior"
DEFAULT_BUNDLE = "x2vision-chest"
POOR_RESIDUAL = 0.8
"""Relative L2 between film and re-projection above which the volume does not explain the film."""
UNUSUAL_DEVIATIONS = 2.0

LIMIT = (
    "Everything that the X-rays do not determine is what the generator learned from ten CTs: pathology is not part of "
    "it. Never read pathology from the volume; it gives no uncertainty."
)


class X2Vision(Method):
    """``Options.extra``: PriorSettings by name, and ``consistent``."""

    id = "x2vision"
    title = "X2Vision"
    summary = (
        "Takes 1 to 20 chest X-rays of any geometry. A generator of coarse chest volumes, trained on ten CTs, is "
        "steered for about 100 steps until its volume projects to the X-rays; needs PyTorch. It shows the size and "
        "place of body, lungs and diaphragm at 13 mm; it cannot show pathology."
    )
    citation = (
        "Cafaro A. et al., X2Vision: 3D CT Reconstruction from Biplanar X-Rays with Deep Structure Prior, MICCAI 2023"
    )
    returns: ClassVar[str] = "volume"
    needs: ClassVar[Needs] = Needs(min_views=1, max_views=20, bundle_task=TASK)

    def run(self, case: Case, options: Options, progress: Progress) -> Result:
        """Volume in HU in the cube around the views' isocentre.

        ``quality``: the re-projection residual of every view and that of the generator's mean volume
        (``prior_residual_N``); ``style_deviations``, how unusual the volume is among the generator's.

        Raises
        ------
        MissingDependencyError
            Without PyTorch.
        InputError
            For settings that do not exist, or X-rays that do not show the body part the generator knows.
        """
        from X2CTReconLib.generative.settings import PriorSettings

        started = time.perf_counter()
        settings = PriorSettings.from_mapping(options.settings)
        progress(0.0, "Loading the generator")
        bundle = _bundle(options.bundle)
        from XRayLib.runtime.require_torch import require_torch

        require_torch(self.title)
        from XRayLib.data_consistency import agreement_of
        from XRayLib.reprojection import reproject
        from XRayLib.runtime import open_session

        from X2CTReconLib.generative.prior import GenerativePrior
        from X2CTReconLib.generative.reconstruction import reconstructed

        session = open_session(bundle, options.device, gradients=True)
        prior = GenerativePrior(session.module, bundle.manifest, session.device)
        found = reconstructed(prior, case, settings, part_of(progress, 0.05, 0.8))
        progress(0.8, "Projecting the result")
        before = reproject(found.mean, case.radiographs, device=options.device)
        agreement = agreement_of(found.volume, case.radiographs, options, part_of(progress, 0.85, 1.0))
        progress(1.0, "Done")
        deviations = found.fitted.style_deviations
        return Result(
            method=self.id,
            volume=agreement.volume,
            views=agreement.views,
            quality={
                **{f"reprojection_residual_{n}": view.residual for n, view in enumerate(agreement.views, 1)},
                **{f"prior_residual_{n}": view.residual for n, view in enumerate(before, 1)},
                "style_deviations": deviations,
                **agreement.quality,
            },
            warnings=(
                *_warnings(case, agreement.views, deviations),
                *session.fallbacks,
                *agreement.warnings,
            ),
            provenance={
                "method": self.id,
                "bundle": {"id": bundle.id, "version": bundle.version, "sha256": bundle.sha256},
                "device": session.provider,
                "settings": settings.as_json(),
                "options": {"device": options.device, "bundle": options.bundle, "seed": options.seed},
                "cube": {
                    "center_ras_mm": [float(c) for c in found.center_ras_mm],
                    "edge_mm": prior.spacing_mm * prior.side,
                },
                "loss": {"first": found.fitted.first, "last": found.fitted.last},
                "noise_rms": found.fitted.noise_rms,
                "views": [view_provenance(radiograph) for radiograph in case.radiographs],
                **agreement.provenance,
                "versions": versions("torch"),
                "seconds": round(time.perf_counter() - started, 3),
            },
        )


def _bundle(chosen: str) -> Any:
    from XRayLib.bundle import installed_bundle

    bundle = installed_bundle(chosen or DEFAULT_BUNDLE)
    if bundle.task != TASK or (bundle.methods and X2Vision.id not in bundle.methods):
        raise InputError(f"The model '{bundle.id}' is not made for X2Vision: choose another model.")
    return bundle


def _warnings(case: Case, views: tuple[Any, ...], style_deviations: float) -> tuple[str, ...]:
    sentences = [LIMIT]
    for number, (radiograph, view) in enumerate(zip(case.radiographs, views, strict=True), 1):
        told = (*radiograph.assumptions, *radiograph.geometry.assumed)
        sentences += [f"X-ray {number}: {text}" for text in told]
        if view.residual > POOR_RESIDUAL:
            sentences.append(
                f"The volume's projection differs clearly from X-ray {number}: check its view and geometry."
            )
    if style_deviations > UNUSUAL_DEVIATIONS:
        sentences.append("The volume is unlike those the generator was trained on: do not trust its shape.")
    if not all(radiograph.calibrated for radiograph in case.radiographs):
        sentences.append("At least one film has unknown gain and offset: the HU values are the generator's.")
    return tuple(sentences)
