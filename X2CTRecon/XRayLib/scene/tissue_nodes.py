"""The tissues of a reconstructed volume, as a segmentation."""

from __future__ import annotations

from typing import Any

import numpy as np

from XRayLib.ct import Volume
from XRayLib.ct.tissue_labels import TISSUES, Tissue
from XRayLib.scene.film_views import SLICE_VIEWS, three_d_view_ids
from XRayLib.scene.matrices import vtk_matrix
from XRayLib.scene.provenance import write_attributes

TISSUES_ROLE = "XRay3DTissues"
"""Reference of a volume node to its tissues."""

SLICE_OPACITY = 0.1
"""The grey values beneath must stay readable; the outlines tell where a tissue ends."""
STATEMENT = (
    "Research use only. Not a medical device. The most probable tissue at each place: an estimate from X-rays, not a "
    "measurement. Tissues are told apart by density: what contrast medium filled in the CTs learned from, in the heart "
    "and in vessels, counts as bone."
)


def put_tissues(labels: Volume, of: Any, method: str) -> Any:
    """The tissues of the volume node ``of`` as a segmentation, made once per volume and then written over.

    Segments carry colours and SNOMED CT codes; the patient's slices show them faintly, 3D not until asked for, films
    never: their planes may cut the volume.
    """
    import slicer

    node = of.GetNodeReference(TISSUES_ROLE)
    is_new = node is None
    name = f"{of.GetName()} tissues"
    if is_new:
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
        of.SetNodeReferenceID(TISSUES_ROLE, node.GetID())
        node.CreateDefaultDisplayNodes()
    node.SetName(name)
    binary = slicer.vtkSegmentationConverter.GetBinaryLabelmapRepresentationName()
    segmentation = node.GetSegmentation()
    segmentation.RemoveAllSegments()
    if hasattr(segmentation, "SetSourceRepresentationName"):  # Slicer 5.10 calls it by its older name
        segmentation.SetSourceRepresentationName(binary)
    else:
        segmentation.SetMasterRepresentationName(binary)
    for tissue in TISSUES:
        segmentation.AddSegment(_segment(tissue, labels), tissue.name)
    if is_new:
        display = node.GetDisplayNode()
        display.SetVisibility3D(False)
        display.SetOpacity2DFill(SLICE_OPACITY)
        display.SetViewNodeIDs(_patient_view_ids())
    write_attributes(node, {"Kind": "tissues", "Method": method, "Statement": STATEMENT})
    return node


def _patient_view_ids() -> list[str]:
    """The three slice views of the patient and all 3D views."""
    import slicer

    slices = slicer.util.getNodesByClass("vtkMRMLSliceNode")
    shown = [node.GetID() for node in slices if node.GetLayoutName() in SLICE_VIEWS]
    return shown + three_d_view_ids() if shown else []


def _segment(tissue: Tissue, labels: Volume) -> Any:
    import slicer

    segment = slicer.vtkSegment()
    segment.SetName(tissue.name)
    segment.SetColor(*tissue.color)
    codes = [f"SCT^{code}^{meaning}" for code, meaning in (tissue.category, tissue.code)]
    context = ("Segmentation category and type - 3D Slicer General Anatomy list", *codes, "^^")
    anatomy = ("Anatomic codes - DICOM master list", "^^", "^^")
    segment.SetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), "~".join((*context, *anatomy)))
    binary = slicer.vtkSegmentationConverter.GetBinaryLabelmapRepresentationName()
    segment.AddRepresentation(binary, _image(labels.voxels == tissue.number, labels))
    return segment


def _image(inside: np.ndarray, like: Volume) -> Any:
    import slicer
    import vtk
    from vtk.util.numpy_support import numpy_to_vtk

    image = slicer.vtkOrientedImageData()
    image.SetDimensions(*inside.shape[::-1])
    scalars = numpy_to_vtk(inside.astype(np.uint8).ravel(), deep=True, array_type=vtk.VTK_UNSIGNED_CHAR)
    image.GetPointData().SetScalars(scalars)
    image.SetGeometryFromImageToWorldMatrix(vtk_matrix(like.ijk_to_ras))
    return image
