"""Triangle surfaces in files: VTK (.vtp, .vtk), STL and OBJ in; VTK (.vtp) and STL out."""

from XRayLib.mesh.load import load_mesh
from XRayLib.mesh.save import save_mesh

__all__ = ["load_mesh", "save_mesh"]
