"""NeRP: an earlier CT of the same patient, held by a network, changed until it projects to the X-rays."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from XRayLib.case import Case, Options, Result, View
from XRayLib.ct import Volume
from XRayLib.errors import XRay3DError
from XRayLib.registry import Method, Needs, Progress, part_of

from X2CTReconLib.implicit.settings import PRESETS, ImplicitSettings
from X2CTReconLib.run_provenance import versions, view_provenance

if TYPE_CHECKING:
    import torch

    from X2CTReconLib.implicit.network import ImplicitVolume
    from X2CTReconLib.implicit.prior_grid import PriorGrid

FEW_VIEWS = 8
POOR_RESIDUAL = 0.8
"""Relative L2 between film and projection of the earlier CT above which the CT does not lie where the film shows it."""


class NeRP(Method):
    """``Options.extra``: ``preset`` "quick" (default) or "published", ImplicitSettings by name, and ``consistent``."""

    id = "nerp"
    title = "NeRP"
    summary = (
        "Needs an earlier CT of the same patient, placed where the patient is now, and 1 to 20 X-rays of any geometry; "
        "no training on other patients. A network learns the CT and is then changed until it projects to the X-rays. "
        "With few X-rays it returns the earlier CT changed in intensity only: what is new is not placed in depth. "
        "Patent applications are known: ask their holder before any use but research."
    )
    citation = (
        "Shen L. et al., NeRP: Implicit Neural Representation Learning with Prior Embedding for Sparsely Sampled Image "
        "Reconstruction, IEEE TNNLS 2022, arXiv 2108.10991"
    )
    returns: ClassVar[str] = "volume"
    needs: ClassVar[Needs] = Needs(min_views=1, max_views=20, ct=True)
    presets: ClassVar[tuple[str, ...]] = tuple(PRESETS)

    def run(self, case: Case, options: Options, progress: Progress) -> Result:
        """The CT as the X-rays change it, in HU in their world; no uncertainty, because the method has none.

        ``quality``: the re-projection residual of every view (``reprojection_residual_N``) and that of the earlier CT
        (``prior_residual_N``), ``change_rms_hu`` over the body.

        Raises
        ------
        MissingDependencyError
            Without PyTorch.
        InputError
            For settings that do not exist, or X-rays that do not show the CT where it lies.
        """
        from XRayLib.runtime.require_torch import require_torch

        require_torch(self.title)
        from XRayLib.data_consistency import agreement_of
        from XRayLib.reprojection import reproject

        from X2CTReconLib.implicit.films import measured_films
        from X2CTReconLib.implicit.optimisation import optimised
        from X2CTReconLib.implicit.prior_grid import PriorGrid

        started = time.perf_counter()
        settings = ImplicitSettings.from_mapping(options.settings)
        device, told = _device(options.device)
        progress(0.0, "Projecting the earlier CT")
        pose = np.eye(4) if case.initial_ct_to_world is None else np.asarray(case.initial_ct_to_world, float)
        prior = Volume(case.ct.voxels, pose @ case.ct.ijk_to_ras)
        before = reproject(prior, case.radiographs, device=options.device)
        grid = PriorGrid.of(case.ct, settings.grid_voxels)
        films = measured_films(before, pose, grid.cut_body(), settings.film_px, options.device)
        network, embedding = _embedded(case.ct, grid, settings, options.seed, device, part_of(progress, 0.05, 0.5))
        water, losses = optimised(network, grid, films, settings, part_of(progress, 0.5, 0.9))
        if not np.isfinite(losses).all():
            raise XRay3DError("The optimisation diverged: choose a smaller 'rate'.")
        progress(0.9, "Projecting the result")
        found = grid.changed_ct(case.ct, water) if settings.change_only else grid.as_hu(water)
        volume = Volume(found.voxels, pose @ found.ijk_to_ras)
        agreement = agreement_of(volume, case.radiographs, options, part_of(progress, 0.9, 1.0))
        change = (water - grid.water.voxels)[grid.body]
        progress(1.0, "Done")
        return Result(
            method=self.id,
            volume=agreement.volume,
            views=agreement.views,
            quality={
                **{f"reprojection_residual_{n}": view.residual for n, view in enumerate(agreement.views, 1)},
                **{f"prior_residual_{n}": view.residual for n, view in enumerate(before, 1)},
                "change_rms_hu": float(1000 * np.sqrt(np.mean(change**2))) if change.size else 0.0,
                **agreement.quality,
            },
            warnings=(*_warnings(before), *told, *agreement.warnings),
            provenance={
                "method": self.id,
                "settings": settings.as_json(),
                "options": {"device": options.device, "seed": options.seed, "extra": dict(options.extra)},
                "device": str(device),
                "prior": {**embedding, "ct_to_world": pose.tolist()},
                "network_parameters": network.parameter_count(),
                "grid_kji": list(grid.body.shape),
                "loss": {"first": losses[0], "least": min(losses)},
                "views": [view_provenance(view.radiograph) for view in agreement.views],
                **agreement.provenance,
                "versions": versions("torch"),
                "seconds": round(time.perf_counter() - started, 3),
            },
        )


def _device(asked: str) -> tuple[torch.device, tuple[str, ...]]:
    import torch

    if asked != "cpu" and torch.cuda.is_available():
        return torch.device("cuda"), ()
    told = ("CUDA was not used: the installed PyTorch finds no CUDA device.",) if asked == "cuda" else ()
    return torch.device("cpu"), told


def _embedded(
    ct: Volume, grid: PriorGrid, settings: ImplicitSettings, seed: int, device: torch.device, progress: Progress
) -> tuple[ImplicitVolume, dict[str, Any]]:
    """The network that holds the CT, learned now or kept from before, and how it came about."""
    import torch
    from XRayLib.preparation.patient_folder import ct_hash, patient_folder

    from X2CTReconLib.implicit.embedding import embed, embedding_file, load_embedding, new_network, save_embedding

    network = new_network(settings, seed, device)
    learned = grid.body.ravel() if settings.change_only else np.ones(grid.body.size, bool)
    positions = torch.from_numpy(grid.positions()[learned]).to(device)
    values = torch.from_numpy(grid.water.voxels.ravel()[learned]).to(device)
    file = embedding_file(patient_folder(ct) / "nerp", settings, seed)
    kept = settings.cache and load_embedding(network, file)
    if not kept:
        embed(network, positions, values, settings, seed, progress)
    with torch.no_grad():
        error = network(network.encoded(positions)) - values
    rms_hu = float(1000 * error.square().mean().sqrt())
    if not np.isfinite(rms_hu):
        raise XRay3DError("Learning the earlier CT diverged: choose a smaller 'embedding_rate'.")
    if settings.cache and not kept:
        save_embedding(network, file)
    return network, {"ct_sha256": ct_hash(ct), "embedding_kept": kept, "embedding_rms_hu": round(rms_hu, 1)}


def _warnings(before: tuple[View, ...]) -> tuple[str, ...]:
    """What the user must know about the prior and the views."""
    sentences = []
    if len(before) < FEW_VIEWS:
        sentences.append(
            f"{len(before)} X-ray(s) change the earlier CT in intensity only, smeared along the beams: new, moved or "
            "vanished anatomy is not placed in depth. Never read pathology from it."
        )
    sentences.append("All detail comes from the earlier CT. The method gives no uncertainty.")
    for number, view in enumerate(before, 1):
        told = (*view.radiograph.assumptions, *view.radiograph.geometry.assumed)
        sentences.extend(f"X-ray {number}: {text}" for text in told)
        if view.residual > POOR_RESIDUAL:
            sentences.append(
                f"X-ray {number} hardly resembles the earlier CT where it lies now: register the CT first; NeRP does "
                "not move anatomy."
            )
    if not all(view.radiograph.calibrated for view in before):
        sentences.append("Films of unknown exposure were scaled to the earlier CT: a change everywhere alike is lost.")
    return tuple(sentences)
