"""Triangle surfaces: files in and out, organ templates of even triangles, meshes as graphs."""

from XRayLib.mesh.load import load_mesh
from XRayLib.mesh.organ_template import organ_template, remeshed, surface_template
from XRayLib.mesh.save import save_mesh

__all__ = ["load_mesh", "organ_template", "remeshed", "save_mesh", "surface_template"]
