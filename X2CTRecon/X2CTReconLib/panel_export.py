"""The section Report and export: a result as an HTML report, as DICOM or NRRD, an organ as STL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _
from XRayLib.errors import XRay3DError
from XRayLib.jobs.volume_jobs import report_job, save_volume_job
from XRayLib.scene.confidence_nodes import UNCERTAINTY_ROLE
from XRayLib.scene.matrices import local_to_world
from XRayLib.scene.panel.allowed import allow
from XRayLib.scene.panel.job_bar import JobBar
from XRayLib.scene.provenance import read_attribute, read_json_attribute
from XRayLib.scene.radiograph_nodes import radiograph_from_node
from XRayLib.scene.surface_nodes import surface_mesh
from XRayLib.scene.volume_nodes import is_reconstruction, volume_from_node


class ExportPanel:
    """Drives the Report and export section. ``films()`` gives the X-rays of the volume, ``elsewhere()`` says when they
    are not, as they are of another frame."""

    def __init__(
        self, ui: Any, client: Any, bar: JobBar, films: Callable[[], Sequence[Any]], elsewhere: Callable[[], str]
    ) -> None:
        self.ui = ui
        self.client = client
        self._bar = bar
        self._films = films
        self._elsewhere = elsewhere
        self._node: Any = None
        self._report = ""
        ui.reportButton.connect("clicked(bool)", self.saveReport)
        ui.openReportButton.connect("clicked(bool)", self.openReport)
        ui.dicomButton.connect("clicked(bool)", self.saveDicom)
        ui.nrrdButton.connect("clicked(bool)", self.saveNrrd)
        ui.stlButton.connect("clicked(bool)", self.saveStl)

    def follow(self, parameter_node: Any) -> None:
        """Work on this parameter node, or on none."""
        self._node = parameter_node

    def refresh(self) -> None:
        """Buttons are enabled, or say why not."""
        ui, volume, organ = self.ui, self._node.outputVolume, self._node.organNow
        reason = _("A job is running.") if self._bar.running else ""
        if not reason and self._bar.tools.missing:
            reason = _("Install the components first.")
        no_volume = reason or ("" if is_reconstruction(volume) else _("Reconstruct a volume first."))
        no_organ = "" if organ is not None else _("Find an organ first.")
        report = _("X-rays, re-projections, slices, what cannot be known, and the method.")
        for button, against, tip in (
            (ui.reportButton, no_volume or self._elsewhere(), report),
            (ui.dicomButton, no_volume, _("A new folder of DICOM slices, labelled as reconstructed for research.")),
            (ui.nrrdButton, no_volume, _("The volume in HU as an NRRD file.")),
            (ui.stlButton, no_organ, _("The organ's surface in RAS millimeters as an STL file.")),
            (ui.openReportButton, "" if self._report else _("Save a report first."), _("Open it in the web browser.")),
        ):
            allow(button, not against, against, tip)

    def saveReport(self, _checked: bool = False) -> None:
        """Write the report into a folder that the user chooses."""
        import qt

        folder = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), _("Folder for the report"))
        if not folder:
            return
        volume = self._node.outputVolume
        try:
            volumes = {"volume": volume_from_node(volume)}
            uncertainty = volume.GetNodeReference(UNCERTAINTY_ROLE)
            if uncertainty is not None:
                volumes["uncertainty"] = volume_from_node(uncertainty)
            films = [radiograph_from_node(film) for film in self._films()]
        except XRay3DError as error:
            self._bar.say(str(error))
            return
        told = {
            "method": read_attribute(volume, "Method"),
            "quality": read_json_attribute(volume, "Quality", {}),
            "warnings": read_json_attribute(volume, "Warnings", []),
            "provenance": read_json_attribute(volume, "Provenance", {}),
        }

        def done(path: str) -> None:
            self._report = path
            self.refresh()
            self._bar.say(_("The report is saved: {path}").format(path=path))

        self._bar.run(
            lambda callbacks: self.client.submit(report_job(volumes, films, told, Path(folder), callbacks)), done
        )

    def openReport(self, _checked: bool = False) -> None:
        """Show the last report in the system's browser."""
        import qt

        if not qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(self._report)):
            self._bar.say(_("No browser could be started. Open {path} yourself.").format(path=self._report))

    def saveDicom(self, _checked: bool = False) -> None:
        """Write DICOM slices into a new folder inside the one that the user chooses."""
        import qt

        parent = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), _("Folder to put the DICOM folder in"))
        if parent:
            self._save(_unused(Path(parent)), as_dicom=True)

    def saveNrrd(self, _checked: bool = False) -> None:
        """Write an NRRD file."""
        path = _chosen_file(_("Save volume"), _("NRRD (*.nrrd)"), ".nrrd")
        if path is not None:
            self._save(path, as_dicom=False)

    def _save(self, path: Path, as_dicom: bool) -> None:
        volume = self._node.outputVolume
        method = read_attribute(volume, "Method")
        try:
            voxels = volume_from_node(volume)
        except XRay3DError as error:
            self._bar.say(str(error))
            return
        self._bar.run(
            lambda callbacks: self.client.submit(save_volume_job(voxels, path, as_dicom, method, callbacks)),
            lambda _value: self._bar.say(_("Saved: {path}").format(path=str(path))),
        )

    def saveStl(self, _checked: bool = False) -> None:
        """Write the organ where it is now as STL."""
        path = _chosen_file(_("Save organ"), _("STL (*.stl)"), ".stl")
        if path is None:
            return
        with slicer.util.tryWithErrorDisplay(_("The organ could not be saved."), waitCursor=True):
            from XRayLib.mesh.save import save_mesh

            organ = self._node.organNow
            save_mesh(surface_mesh(organ.GetPolyData(), local_to_world(organ)), path)
            self._bar.say(_("Saved in RAS millimeters: {path}").format(path=str(path)))


def _unused(parent: Path) -> Path:
    """A folder that does not exist yet."""
    names = ("XRay3D reconstruction", *(f"XRay3D reconstruction {number}" for number in range(2, 10000)))
    return next(parent / name for name in names if not (parent / name).exists())


def _chosen_file(title: str, filter_text: str, suffix: str) -> Path | None:
    import qt

    name = qt.QFileDialog.getSaveFileName(slicer.util.mainWindow(), title, "", filter_text)
    if not name:
        return None
    path = Path(name)
    return path if path.suffix.lower() == suffix else path.with_name(path.name + suffix)
