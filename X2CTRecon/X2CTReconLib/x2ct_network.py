"""From a case through a bundle with one input per standard view to a volume: X2CT-CNN, X2CT-GAN, Henzler."""

from __future__ import annotations

import time
from abc import ABC
from collections.abc import Mapping
from typing import Any, ClassVar

from XRayLib.case import Case, Options, Result
from XRayLib.errors import InputError
from XRayLib.radiograph.lateral_facing import facing_corrected
from XRayLib.registry import Method, Needs, Progress

from X2CTReconLib.network_result import TASK, Reconstruction, bundle_for, hounsfield, result_of
from X2CTReconLib.run_provenance import view_provenance
from X2CTReconLib.x2ct_views import network_films, roles_of, view_warnings


class X2CTMethod(Method, ABC):
    """An encoder-decoder network with one input per view. Subclasses say which bundles are theirs."""

    returns: ClassVar[str] = "volume"
    needs: ClassVar[Needs] = Needs(min_views=1, max_views=2, bundle_task=TASK)
    default_bundles: ClassVar[Mapping[int, str]]
    """Number of views -> bundle id."""

    def run(self, case: Case, options: Options, progress: Progress) -> Result:
        """Volume in HU in the cube around the isocentre, its re-projections, and how they agree with the films."""
        from XRayLib.runtime import open_session

        started = time.perf_counter()
        progress(0.0, "Checking the views")
        bundle = self._bundle(len(case.radiographs), options.bundle)
        inputs, output = _inputs_by_role(bundle.manifest), _volume_output(bundle.manifest)
        radiographs, turned = facing_corrected(case.radiographs)
        views = roles_of(radiographs, tuple(inputs))
        size, spacing = int(output["shape"][-1]), float(output["spacing_mm"][0])
        cube, films, warnings = network_films(views, case.isocenter_ras_mm, size * spacing, size)
        progress(0.1, "Loading the network")
        session = open_session(bundle, options.device)
        progress(0.3, "Reconstructing")
        tensors = {inputs[role]: film[None, None] for role, film in films.items()}
        values = session.run(tensors, while_running=lambda: progress(0.5, "Reconstructing"))
        found = Reconstruction(
            volume=cube.volume(hounsfield(values, output)),
            radiographs=radiographs,
            bundle=bundle,
            session=session,
            views=[{"role": role, **view_provenance(radiograph)} for role, radiograph in views.items()],
            cube={"center_ras_mm": [float(c) for c in cube.center_ras_mm], "edge_mm": cube.edge_mm},
            warnings=(*view_warnings(views), *turned, *warnings),
        )
        return result_of(self, found, options, progress, started)

    def _bundle(self, views: int, chosen: str) -> Any:
        bundle = bundle_for(self, chosen or self.default_bundles[views])
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
