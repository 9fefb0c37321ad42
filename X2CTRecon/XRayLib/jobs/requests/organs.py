"""Requests about organs: a surface that methods can work with."""

from __future__ import annotations

from typing import Any

from XRayLib.jobs.array_files import read_document, write_document
from XRayLib.jobs.case_files import MESH_FORMAT, VOLUME_FORMAT, mesh_document, parse_mesh, parse_volume
from XRayLib.jobs.server import Request


def organ_template(request: Request) -> dict[str, Any]:
    """The folder holds the organ's labels (1) as ``volume.json``, or its closed surface as ``mesh.json``, and then
    ``template.json``: its surface with even triangles. Value: ``vertices``."""
    from XRayLib.mesh import organ_template as meshed
    from XRayLib.mesh import surface_template

    folder = request.folder_for_arrays()
    request.progress(0.0, "Meshing the organ")
    if (folder / "mesh.json").is_file():
        template = surface_template(parse_mesh(folder, read_document(folder, "mesh", MESH_FORMAT)))
    else:
        template = meshed(parse_volume(folder, read_document(folder, "volume", VOLUME_FORMAT)))
    write_document(folder, "template", {"format": MESH_FORMAT, **mesh_document(folder, "template", template)})
    return {"vertices": len(template.points)}
