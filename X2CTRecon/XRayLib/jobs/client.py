"""What a GUI, the command line, a batch and the tests ask of the worker: one method per kind of request."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from XRayLib.errors import CancelledError
from XRayLib.jobs.connection import Connection, WorkerState
from XRayLib.jobs.diagnostics import Diagnostics
from XRayLib.jobs.failure import JobFailure
from XRayLib.jobs.job import Job, JobState

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from XRayLib.case import Case, Options, Result, SurfaceMesh
    from XRayLib.ct import Volume
    from XRayLib.geometry import XRayGeometry
    from XRayLib.radiograph import Radiograph

__all__ = ["LoadedRadiograph", "WorkerClient", "WorkerState"]

OnResult = Callable[[Any], None]
OnError = Callable[[JobFailure], None]
OnProgress = Callable[[float, str, float | None], None]


def _ignore(*_: Any) -> None:
    """No one listens."""


@dataclass(frozen=True)
class LoadedRadiograph:
    """A radiograph with what a view's row shows of it: ``summary`` (JSON values) and a small PNG."""

    radiograph: Radiograph
    summary: Mapping[str, Any]
    thumbnail_png: bytes


class WorkerClient(Connection):
    """Sends work to the worker process and delivers what comes of it, on the thread that polls.

    In a GUI::

        client = WorkerClient(QtPump())
        client.on_state = show_state
        job = client.run_method("x2ct-cnn", case, options, on_progress=..., on_result=..., on_error=...)
        client.cancel()        # the Cancel button
        client.invalidate()    # the scene is being closed
        client.close()         # the application is quitting

    Without an event loop: ``result = client.run_blocking("x2ct-cnn", case, options)``.
    """

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._put_jobs: dict[str, tuple[Volume, Job]] = {}
        """By volume id: the volume and the job that takes it to the worker."""
        self._kept_ct: tuple[Volume | None, int] = (None, 0)
        """The CT that the worker of that number keeps for the next case."""
        self._diagnostics = Diagnostics()

    def run_method(
        self,
        method_id: str,
        case: Case,
        options: Options | None = None,
        *,
        keep_ct: bool = False,
        on_progress: OnProgress = _ignore,
        on_result: OnResult = _ignore,
        on_error: OnError = _ignore,
    ) -> Job:
        """Run a method on a case; ``on_result`` gets its Result, whose views refer to the case's own radiographs.

        ``keep_ct`` is for many cases of one CT object: it goes to the worker with the first and stays there.
        """
        from XRayLib.case import Options
        from XRayLib.jobs.array_files import json_ready

        options = options or Options()
        self._diagnostics.about_to_run(method_id, case, options)

        def write(folder: Path) -> None:
            from XRayLib.jobs.case_files import write_case

            write_case(folder, case, ct_is_kept=keep_ct and self._keeps(case.ct))

        def read(folder: Path, _value: Any) -> Result:
            from XRayLib.jobs.case_files import read_result

            result = read_result(folder, case)
            self._diagnostics.has_run(result)
            if keep_ct:
                self._kept_ct = (case.ct, self._worker.starts)
            return result

        params = {"method": method_id, "options": json_ready(asdict(options)), "keep_ct": keep_ct}
        job = Job("run_method", params, on_progress, on_result, on_error, write, read, device=options.device)
        return self.submit(job)

    def load_radiograph(
        self,
        path: str | Path,
        geometry: XRayGeometry | str | Path | None = None,
        *,
        frame_index: int = 0,
        intensity: str = "auto",
        view: str = "",
        on_result: OnResult = _ignore,
        on_error: OnError = _ignore,
    ) -> Job:
        """Load a radiograph away from the GUI; arguments as of XRayLib.radiograph.load_radiograph.

        ``on_result`` gets a :class:`LoadedRadiograph`.
        """
        from XRayLib.geometry import XRayGeometry, geometry_document

        self._diagnostics.conceal(path)
        params: dict[str, Any] = {"path": str(Path(path).absolute()), "intensity": intensity, "view": view}
        params["frame_index"] = frame_index
        if isinstance(geometry, XRayGeometry):
            params["geometry"] = geometry_document(geometry)
        elif geometry is not None:
            is_file = Path(geometry).is_file()
            params["geometry"] = str(Path(geometry).absolute()) if is_file else str(geometry)
        return self.submit(
            Job("load_radiograph", params, on_result=on_result, on_error=on_error, read=_read_radiograph)
        )

    def project(
        self,
        volume_id: str,
        volume: Volume,
        geometries: Sequence[XRayGeometry],
        *,
        device: str = "auto",
        on_result: OnResult = _ignore,
        on_error: OnError = _ignore,
    ) -> Job:
        """Project a volume (HU or 1/mm) for live display; ``on_result`` gets a list of (rows, columns) float32 images.

        ``geometries`` are in the volume's RAS. The volume goes to the worker with the first call, and again when
        another object comes under the same id or the worker was restarted. Of several calls that wait, only the last
        is run.
        """
        from XRayLib.geometry import geometry_document

        self._receive(0.0)
        if not self._has_volume(volume_id, volume):
            self._put_volume(volume_id, volume, on_error)
        params = {"volume_id": volume_id, "device": device, "geometries": [geometry_document(g) for g in geometries]}
        job = Job("project", params, on_result=on_result, on_error=on_error, read=_read_images, device=device)
        job.channel = f"project {volume_id}"
        return self.submit(job)

    def remove_volume(self, volume_id: str) -> None:
        """Free the volume's memory in the worker."""
        if self._put_jobs.pop(volume_id, None) is not None:
            self.submit(Job("remove_volume", {"volume_id": volume_id}))

    def prepare_patient(
        self,
        ct: Volume,
        what: str,
        settings: Mapping[str, Any] | None = None,
        *,
        mesh: SurfaceMesh | None = None,
        resume: bool = True,
        on_progress: OnProgress = _ignore,
        on_result: OnResult = _ignore,
        on_error: OnError = _ignore,
    ) -> Job:
        """Train the method ``what`` for this CT; a cancel keeps what was learned for the next time.

        ``mesh`` is the organ in the CT, for methods that are prepared for one. ``on_result`` gets what
        :meth:`preparation_state` gives. Use a client of its own: it takes long.
        """
        params = {"what": what, "settings": dict(settings or {}), "resume": resume}
        job = Job("prepare_patient", params, on_progress, on_result, on_error, patient_writer(ct, mesh))
        return self.submit(job)

    def preparation_state(
        self,
        ct: Volume,
        mesh: SurfaceMesh | None = None,
        *,
        on_result: OnResult = _ignore,
        on_error: OnError = _ignore,
    ) -> Job:
        """What has been trained for this CT, and for this organ of it; ``on_result`` gets a state for each method that
        is prepared, by its id."""
        write = patient_writer(ct, mesh)
        job = Job("preparation_state", {}, on_result=on_result, on_error=on_error, write=write)
        return self.submit(job)

    def organ_template(
        self, organ: Volume | SurfaceMesh, *, on_result: OnResult = _ignore, on_error: OnError = _ignore
    ) -> Job:
        """An organ as a surface of even triangles; ``on_result`` gets a SurfaceMesh in the organ's own RAS.

        ``organ`` is a volume of labels in which it is 1, or a closed surface.
        """
        job = Job("organ_template", {}, on_result=on_result, on_error=on_error, write=organ_writer(organ))
        job.read, job.channel = _read_template, "organ template"
        return self.submit(job)

    def request(
        self,
        kind: str,
        params: Mapping[str, Any] | None = None,
        *,
        on_progress: OnProgress = _ignore,
        on_result: OnResult = _ignore,
        on_error: OnError = _ignore,
    ) -> Job:
        """Any request whose parameters and answer are JSON: list_methods, list_models, verify_model, import_model,
        remove_model, probe_devices, evaluate. Paths among the parameters must be absolute."""

        def read(_folder: Path, value: Any) -> Any:
            if kind == "probe_devices":
                self._diagnostics.devices = value
            return value

        return self.submit(Job(kind, params or {}, on_progress, on_result, on_error, read=read))

    def call(self, kind: str, params: Mapping[str, Any] | None = None) -> Any:
        """:meth:`request`, waiting for the answer. Raises what XRayLib.errors has for the failure."""
        return self._outcome(self.request(kind, params))

    def run_blocking(
        self,
        method_id: str,
        case: Case,
        options: Options | None = None,
        progress: Callable[[float, str], None] | None = None,
    ) -> Result:
        """:meth:`run_method`, waiting for the Result.

        ``progress(fraction, stage)`` is called on this thread; an exception it raises, and Ctrl-C, cancel the job.
        Raises what XRayLib.errors has for the failure.
        """

        def on_progress(fraction: float, stage: str, _remaining_s: float | None) -> None:
            if progress is not None:
                progress(fraction, stage)

        return self._outcome(self.run_method(method_id, case, options, on_progress=on_progress))

    def diagnostics(self) -> str:
        """Text for 'Copy diagnostics': versions, devices, model, geometry, last failure, the worker's last lines.

        Holds no path, no file name and no name that came with the images.
        """
        return self._diagnostics.text(self.state.value, self.hello, self.last_failure, self.stderr_tail)

    def _outcome(self, job: Job) -> Any:
        self.wait(job)
        if job.failure is not None:
            raise job.failure.exception()
        if job.stale:
            raise CancelledError("The job was dropped.")
        return job.value

    def _keeps(self, ct: Volume | None) -> bool:
        known, worker = self._kept_ct
        return ct is not None and ct is known and worker == self._worker.starts

    def _has_volume(self, volume_id: str, volume: Volume) -> bool:
        known, job = self._put_jobs.get(volume_id, (None, None))
        if job is None or known is not volume:
            return False
        arrived = job.state is JobState.DONE and job.worker == self._worker.starts and self._worker.link is not None
        return arrived or not job.finished

    def _put_volume(self, volume_id: str, volume: Volume, on_error: OnError) -> None:
        write, params = volume_writer(volume), {"volume_id": volume_id}
        job = Job("put_volume", params, on_error=on_error, write=write, channel=f"put {volume_id}")
        self._put_jobs[volume_id] = (volume, self.submit(job))


def volume_writer(volume: Volume) -> Callable[[Path], None]:
    """What puts ``volume.json`` and its voxels into a job's folder."""

    def write(folder: Path) -> None:
        from XRayLib.jobs.array_files import write_document
        from XRayLib.jobs.case_files import VOLUME_FORMAT, volume_document

        write_document(folder, "volume", {"format": VOLUME_FORMAT, **volume_document(folder, "voxels", volume)})

    return write


def patient_writer(ct: Volume, mesh: SurfaceMesh | None) -> Callable[[Path], None]:
    """What puts ``volume.json`` and, with an organ, ``mesh.json`` into a job's folder."""

    def write(folder: Path) -> None:
        volume_writer(ct)(folder)
        if mesh is not None:
            organ_writer(mesh)(folder)

    return write


def organ_writer(organ: Volume | SurfaceMesh) -> Callable[[Path], None]:
    """What puts an organ's labels as ``volume.json``, or its surface as ``mesh.json``, into a job's folder."""
    from XRayLib.ct import Volume

    if isinstance(organ, Volume):
        return volume_writer(organ)

    def write(folder: Path) -> None:
        from XRayLib.jobs.array_files import write_document
        from XRayLib.jobs.case_files import MESH_FORMAT, mesh_document

        write_document(folder, "mesh", {"format": MESH_FORMAT, **mesh_document(folder, "mesh", organ)})

    return write


def _read_template(folder: Path, _value: Any) -> SurfaceMesh:
    from XRayLib.jobs.array_files import read_document
    from XRayLib.jobs.case_files import MESH_FORMAT, parse_mesh

    return parse_mesh(folder, read_document(folder, "template", MESH_FORMAT))


def _read_radiograph(folder: Path, value: Any) -> LoadedRadiograph:
    from XRayLib.jobs.array_files import read_document
    from XRayLib.jobs.case_files import RADIOGRAPH_FORMAT, parse_radiograph

    document = read_document(folder, "radiograph", RADIOGRAPH_FORMAT)
    thumbnail = base64.b64decode(value["thumbnail_png"], validate=True)
    return LoadedRadiograph(parse_radiograph(folder, document), value["summary"], thumbnail)


def _read_images(folder: Path, value: Any) -> list[NDArray[np.float32]]:
    from XRayLib.jobs.array_files import read_array

    return [read_array(folder, name, ndim=2) for name in value["images"]]
