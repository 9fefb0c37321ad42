"""Everything the XRay3D modules share: geometry, radiographs, projector, bundles, metrics, jobs, scene, command line.

Import sub-packages by name (``from XRayLib.geometry import XRayGeometry``). World frame RAS, millimetres.
"""

__version__ = "0.1.0"
