"""An organ as the user has it in the scene, a model or a segment: where it is in the CT, and how it looks."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from XRayLib.case import SurfaceMesh
from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.scene.matrices import local_to_world

SAME_PLACE = 1e-6
"""Organ and CT under the same transform: rounding must not make another organ of it."""


def is_segmentation(node: Any) -> bool:
    """Whether the node, or None, is a segmentation."""
    return node is not None and bool(node.IsA("vtkMRMLSegmentationNode"))


def segment_names(node: Any) -> dict[str, str]:
    """Names of a segmentation's segments by their ids; empty for any other node."""
    if not is_segmentation(node):
        return {}
    segmentation = node.GetSegmentation()
    ids = [segmentation.GetNthSegmentID(index) for index in range(segmentation.GetNumberOfSegments())]
    return {segment_id: segmentation.GetSegment(segment_id).GetName() for segment_id in ids}


@dataclass(frozen=True)
class OrganLook:
    """What a surgeon knows the organ by."""

    name: str
    color: tuple[float, float, float]
    opacity: float


@dataclass(frozen=True)
class OrganSource:
    """A model node, or a segment of a segmentation node."""

    node: Any
    segment_id: str = ""

    @property
    def segment(self) -> Any:
        """The vtkSegment; None for a model and for a segment that is gone."""
        return self.node.GetSegmentation().GetSegment(self.segment_id) if self.is_segmentation else None

    @property
    def is_segmentation(self) -> bool:
        """Whether the node is a segmentation."""
        return is_segmentation(self.node)

    @property
    def shape_version(self) -> tuple:
        """Changes when the organ's shape may have changed."""
        data = _representation(self.segment) if self.is_segmentation else self.node.GetPolyData()
        return self.node.GetID(), self.segment_id, 0 if data is None else data.GetMTime()

    def version(self, ct: Any) -> tuple:
        """Changes when the organ's shape or its place in the CT may have changed."""
        return *self.shape_version, self._to_ct(ct).tobytes()

    @property
    def surface(self) -> Any:
        """vtkPolyData in the node's own RAS; None where there is none, as in a segment of voxels."""
        if not self.is_segmentation:
            return self.node.GetPolyData()
        return None if self.segment is None else _closed_surface_of(self.segment)

    @property
    def labels(self) -> Volume | None:
        """Voxels of a segment in the node's own RAS, 1 inside; None for a model and for a segment without voxels.

        Raises InputError for a segment whose voxels are all empty.
        """
        return None if self.segment is None else _labels(self.node, self.segment_id)

    def in_ct(self, ct: Any) -> Volume | SurfaceMesh:
        """Labels (the organ is 1) or surface of the organ in the CT's own RAS.

        Raises
        ------
        InputError
            An empty or missing segment, an empty model, a transform that is not linear.
        """
        place = self._to_ct(ct)
        if not self.is_segmentation:
            return _surface_in_ct(self.node.GetPolyData(), place, self.node.GetName())
        if self.segment is None:
            raise InputError(f"Choose a segment of '{self.node.GetName()}'.")
        labels = self.labels
        if labels is None:
            return _surface_in_ct(self.surface, place, self.segment.GetName())
        return Volume(labels.voxels, place @ labels.ijk_to_ras, "label")

    def look(self) -> OrganLook:
        """Name, colour and opacity in 3D."""
        display = self.node.GetDisplayNode()
        if self.is_segmentation:
            opacity = 1.0 if display is None else display.GetSegmentOpacity3D(self.segment_id) * display.GetOpacity3D()
            return OrganLook(self.segment.GetName(), tuple(self.segment.GetColor()), float(opacity))
        if display is None:
            return OrganLook(self.node.GetName(), (0.8, 0.5, 0.4), 1.0)
        return OrganLook(self.node.GetName(), tuple(display.GetColor()), float(display.GetOpacity()))

    def hide_in_3d(self) -> None:
        """Show the organ as it was planned no longer as a solid."""
        display = self.node.GetDisplayNode()
        if display is None:
            return
        if self.is_segmentation:
            display.SetSegmentVisibility3D(self.segment_id, False)
        else:
            display.SetVisibility3D(False)

    def _to_ct(self, ct: Any) -> NDArray[np.float64]:
        place = np.linalg.inv(local_to_world(ct)) @ local_to_world(self.node)
        return np.eye(4) if np.allclose(place, np.eye(4), atol=SAME_PLACE) else place


def is_ready(organ: SurfaceMesh) -> bool:
    """Whether methods take the surface as it is, or it is too fine and must be meshed anew.

    Raises InputError for a surface with holes.
    """
    from XRayLib.mesh.organ_template import MOST_KEPT
    from XRayLib.metrics.mesh_solid import is_closed

    if not is_closed(organ):
        raise InputError("The organ's surface has holes: close it, or choose its segmentation instead.")
    return len(organ.points) <= MOST_KEPT


def content_key(organ: Volume | SurfaceMesh) -> str:
    """Changes when the organ does, and not when something else in its node did."""
    found = hashlib.sha256()
    arrays = (organ.voxels, organ.ijk_to_ras) if isinstance(organ, Volume) else (organ.points, organ.triangles)
    for array in arrays:
        found.update(repr(array.shape).encode())
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def _representation(segment: Any) -> Any:
    import slicer

    if segment is None:
        return None
    names = slicer.vtkSegmentationConverter
    for name in (names.GetBinaryLabelmapRepresentationName(), names.GetClosedSurfaceRepresentationName()):
        if segment.GetRepresentation(name) is not None:
            return segment.GetRepresentation(name)
    return None


def _surface_in_ct(surface: Any, place: NDArray[np.float64], name: str) -> SurfaceMesh:
    from XRayLib.scene.surface_nodes import surface_mesh

    mesh = (
        SurfaceMesh(np.zeros((0, 3)), np.zeros((0, 3), np.int64)) if surface is None else surface_mesh(surface, place)
    )
    if len(mesh.triangles) == 0:
        raise InputError(f"'{name}' holds no surface: choose the organ's model or segment.")
    return mesh


def _closed_surface_of(segment: Any) -> Any:
    import slicer

    return segment.GetRepresentation(slicer.vtkSegmentationConverter.GetClosedSurfaceRepresentationName())


def _labels(node: Any, segment_id: str) -> Volume | None:
    """The segment's voxels in the node's RAS, 1 inside; None for a segment that is a surface only."""
    import slicer
    import vtk
    from vtk.util.numpy_support import vtk_to_numpy

    from XRayLib.scene.matrices import array_of

    names = slicer.vtkSegmentationConverter
    if (
        node.GetSegmentation().GetSegment(segment_id).GetRepresentation(names.GetBinaryLabelmapRepresentationName())
        is None
    ):
        return None
    image = slicer.vtkOrientedImageData()
    node.GetBinaryLabelmapRepresentation(segment_id, image)
    scalars = image.GetPointData().GetScalars()
    if scalars is None or not vtk_to_numpy(scalars).any():
        raise InputError("The segment is empty: choose the organ's segment.")
    inside = vtk_to_numpy(scalars).reshape(image.GetDimensions()[::-1]) > 0
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    ijk_to_ras = array_of(matrix)
    ijk_to_ras[:3, 3] += ijk_to_ras[:3, :3] @ np.array(image.GetExtent()[::2], float)
    return Volume(inside.astype(np.float32), ijk_to_ras, "label")
