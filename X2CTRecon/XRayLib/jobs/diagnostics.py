"""The text behind 'Copy diagnostics': what a maintainer needs to know, and nothing of the patient."""

from __future__ import annotations

import importlib.metadata
import json
import platform
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from XRayLib import __version__
from XRayLib.jobs.failure import JobFailure
from XRayLib.jobs.protocol import PROTOCOL_VERSION
from XRayLib.jobs.redaction import names_in_path, redact

if TYPE_CHECKING:
    from XRayLib.case import Case, Options, Result
    from XRayLib.ct import Volume
    from XRayLib.radiograph import Radiograph

_PACKAGES = (
    *("numpy", "scipy", "SimpleITK", "vtk", "pydicom", "numba", "onnxruntime", "onnxruntime-gpu"),
    *("onnxruntime-directml", "torch", "warp-lang", "opencv-python-headless", "psutil", "jsonschema"),
)
_PRIVATE_KEYS = ("path", "file", "folder", "source", "patient", "name", "frame")


class Diagnostics:
    """Remembers of the last job what the text shows."""

    def __init__(self) -> None:
        self.devices: Any = None
        """What ``probe_devices`` found last."""
        self._job: list[str] = []
        self._outcome: list[str] = []
        self._concealed: set[str] = set()

    def conceal(self, path: object) -> None:
        """Words of this path's file name never appear in the text."""
        self._concealed |= names_in_path(path)

    def about_to_run(self, method_id: str, case: Case, options: Options) -> None:
        """A method starts."""
        self._outcome = []
        self._job = [f"method: {method_id}; device {options.device}; model {options.bundle or 'default'}"]
        for number, radiograph in enumerate(case.radiographs, 1):
            self._concealed |= names_in_path(radiograph.source) if radiograph.source else set()
            self._job.append(f"view {number}: {_radiograph_line(radiograph)}")
        if case.ct is not None:
            self._job.append(f"CT: {_volume_line(case.ct)}")

    def has_run(self, result: Result) -> None:
        """The method returned."""
        self._outcome = [f"provenance: {json.dumps(_public(result.provenance), sort_keys=True, default=str)}"]
        if result.volume is not None:
            self._outcome.append(f"volume: {_volume_line(result.volume)}")
        self._outcome += [f"quality {name}: {value:.4g}" for name, value in result.quality.items()]

    def text(self, state: str, hello: Mapping[str, Any], failure: JobFailure | None, stderr_tail: str) -> str:
        """The whole text; every part passes through :func:`redact`."""
        lines = [
            f"XRay3D {__version__}, worker protocol {PROTOCOL_VERSION}, worker {state}",
            f"Python {platform.python_version()}, {platform.platform()}, {platform.machine()}",
            f"worker: {hello.get('version', 'not running')}, Python {hello.get('python', '-')}",
            "packages: " + ", ".join(_installed()),
            f"devices: {json.dumps(self.devices, default=str) if self.devices else 'not probed'}",
            *self._job,
            *self._outcome,
        ]
        if failure is not None:
            lines += [f"last failure: {failure.code}: {failure.message} {failure.hint}".rstrip(), failure.detail]
        if stderr_tail.strip():
            lines += ["last lines of the worker:", stderr_tail.strip()]
        return redact("\n".join(line for line in lines if line), self._concealed) + "\n"


def _installed() -> Iterator[str]:
    for package in _PACKAGES:
        try:
            yield f"{package} {importlib.metadata.version(package)}"
        except importlib.metadata.PackageNotFoundError:
            continue


def _radiograph_line(radiograph: Radiograph) -> str:
    geometry = radiograph.geometry
    columns, rows = geometry.size_px
    row_mm, column_mm = geometry.pixel_spacing_mm
    return (
        f"{columns} x {rows} px of {column_mm:.4g} x {row_mm:.4g} mm, source to detector "
        f"{geometry.source_to_detector_mm:.1f} mm, angles {geometry.primary_angle_deg:.1f}, "
        f"{geometry.secondary_angle_deg:.1f} deg, {'calibrated' if radiograph.calibrated else 'uncalibrated'}, "
        f"{len(geometry.assumed)} assumptions on geometry, {len(radiograph.assumptions)} on intensity"
    )


def _volume_line(volume: Volume) -> str:
    size = " x ".join(map(str, volume.voxels.shape[::-1]))
    spacing = " x ".join(f"{s:.4g}" for s in volume.spacing_mm)
    axes = [[round(float(v), 3) for v in row] for row in volume.ijk_to_ras[:3, :3]]
    return f"{size} voxels of {spacing} mm, axes {axes}, {volume.quantity}"


def _public(value: Any) -> Any:
    """Without entries whose key tells that they hold a name or a place."""
    if isinstance(value, Mapping):
        kept = {str(k): v for k, v in value.items() if not any(word in str(k).lower() for word in _PRIVATE_KEYS)}
        return {key: _public(item) for key, item in kept.items()}
    return [_public(item) for item in value] if isinstance(value, list | tuple) else value
