"""From a case through an X2CT bundle to a volume: what X2CT-CNN and X2CT-GAN share."""

from __future__ import annotations

import time
from abc import ABC
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from XRayLib.case import Case, Options, Result
from XRayLib.errors import InputError, XRay3DError
from XRayLib.registry import Method, Needs, Progress

from X2CTReconLib.x2ct_views import facing_corrected, network_films, roles_of, view_warnings

TASK = "xray2ct"
AIR_HU = -1000.0
POOR_RESIDUAL = 0.8
"""Relative L2 between film and re-projection above which the volume does not explain the film."""


class X2CTMethod(Method, ABC):
    """An encoder-decoder network with one input per view. Subclasses say which bundles are theirs."""

    returns: ClassVar[str] = "volume"
    needs: ClassVar[Needs] = Needs(min_views=1, max_views=2, bundle_task=TASK)
    default_bundles: ClassVar[Mapping[int, str]]
    """Number of views -> bundle id."""

    def run(self, case: Case, options: Options, progress: Progress) -> Result:
        """Volume in HU in the cube around the isocentre, its re-projections, and how they agree with the films."""
        from XRayLib.data_consistency import agreement_of
        from XRayLib.runtime import open_session

        started = time.perf_counter()
        progress(0.0, "Checking the views")
        bundle = self._bundle(len(case.radiographs), options.bundle)
        inputs, output = _inputs_by_role(bundle.manifest), _volume_output(bundle.manifest)
        radiographs, turned = facing_corrected(case.radiographs)
        views = roles_of(radiographs, tuple(inputs))
        size, spacing = int(output["shape"][-1]), float(output["spacing_mm"][0])
        cube, films, warnings = network_films(views, size * spacing, size)
        progress(0.1, "Loading the network")
        session = open_session(bundle, options.device)
        progress(0.3, "Reconstructing")
        tensors = {inputs[role]: film[None, None] for role, film in films.items()}
        values = session.run(tensors, while_running=lambda: progress(0.5, "Reconstructing"))
        volume = cube.volume(_hounsfield(values, output))
        progress(0.8, "Projecting the result")
        agreement = agreement_of(volume, radiographs, options, lambda f, stage: progress(0.8 + 0.2 * f, stage))
        residuals = [view.residual for view in agreement.views]
        warnings = (*view_warnings(views), *turned, *warnings, *session.fallbacks, *_residual_warnings(residuals))
        progress(1.0, "Done")
        return Result(
            method=self.id,
            volume=agreement.volume,
            views=agreement.views,
            quality={
                **{f"reprojection_residual_{n}": float(r) for n, r in enumerate(residuals, 1)},
                **agreement.quality,
            },
            warnings=(*warnings, *agreement.warnings),
            provenance={
                "method": self.id,
                "bundle": {"id": bundle.id, "version": bundle.version, "sha256": bundle.sha256},
                "device": session.provider,
                "options": {"device": options.device, "bundle": options.bundle, "seed": options.seed},
                "cube": {"center_ras_mm": [float(c) for c in cube.center_ras_mm], "edge_mm": cube.edge_mm},
                "views": [_view_provenance(role, radiograph) for role, radiograph in views.items()],
                **agreement.provenance,
                "versions": _versions(),
                "seconds": round(time.perf_counter() - started, 3),
            },
        )

    def _bundle(self, views: int, chosen: str) -> Any:
        from XRayLib.bundle import installed_bundle

        bundle = installed_bundle(chosen or self.default_bundles[views])
        if bundle.task != TASK or (bundle.methods and self.id not in bundle.methods):
            raise InputError(f"The model '{bundle.id}' is not made for {self.title}: choose another model.")
        wanted = len(_inputs_by_role(bundle.manifest))
        if wanted != views:
            raise InputError(f"The model '{bundle.id}' takes {wanted} view(s), not {views}: choose another model.")
        return bundle


def _inputs_by_role(manifest: Any) -> dict[str, str]:
    return {tensor["role"]: name for name, tensor in manifest["inputs"].items()}


def _volume_output(manifest: Any) -> dict[str, Any]:
    for name, tensor in manifest["outputs"].items():
        if tensor["role"] == "volume" and tensor["quantity"] == "HU" and tensor.get("axes") == "IPL":
            return {"name": name, **tensor}
    raise InputError("The model has no volume in HU with axes (inferior, posterior, left): choose another model.")


def _hounsfield(values: dict[str, np.ndarray], output: dict[str, Any]) -> np.ndarray:
    """HU (n, n, n) from the network's 0..1, air where it leaves the trained range."""
    raw = np.asarray(values[output["name"]], np.float32)[0, 0]
    if not np.isfinite(raw).all():
        raise XRay3DError("The network returned values that are not numbers: try the CPU as device.")
    low, high = output.get("value_range", (0.0, 1.0))
    hu = np.clip(raw, low, high) * output.get("scale", 1.0) + output.get("offset", 0.0)
    return np.maximum(hu, AIR_HU)


def _residual_warnings(residuals: list[float]) -> tuple[str, ...]:
    if not any(r > POOR_RESIDUAL for r in residuals):
        return ()
    return (
        "The volume's projection differs clearly from at least one radiograph: check the view names, the orientation "
        "of the images and their geometry.",
    )


def _view_provenance(role: str, radiograph: Any) -> dict[str, Any]:
    geometry = radiograph.geometry
    return {
        "role": role,
        "ras_to_pixel": geometry.ras_to_pixel.tolist(),
        "size_px": list(geometry.size_px),
        "pixel_spacing_mm": list(geometry.pixel_spacing_mm),
        "source_to_detector_mm": geometry.source_to_detector_mm,
        "assumed": list(geometry.assumed),
        "calibrated": radiograph.calibrated,
    }


def _versions() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for name in ("xray3d", "numpy", "onnxruntime"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
