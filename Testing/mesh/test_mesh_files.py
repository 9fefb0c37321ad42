"""Mesh files: against VTK's own writers, in Slicer's frames, and damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from XRayLib.case import SurfaceMesh
from XRayLib.errors import InputError
from XRayLib.mesh import load_mesh, save_mesh

TO_RAS = np.array([-1.0, -1.0, 1.0])


@pytest.fixture
def tetrahedron() -> SurfaceMesh:
    points = np.array([[0.0, 0, 0], [10, 0, 0], [0, 20, 0], [0, 0, 30]]) + np.array([100.5, -50.25, 7])
    triangles = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    return SurfaceMesh(points, triangles, {'distance <mm> & "more"': np.array([1.0, 2, 3, 4])})


def corners(mesh: SurfaceMesh) -> np.ndarray:
    """The triangles' corners in an order that does not depend on the file's."""
    triangles = mesh.points[mesh.triangles]
    first = np.lexsort(triangles.transpose(2, 0, 1)[::-1].reshape(3, -1, 3), axis=-1)[:, 0]
    turned = np.stack([np.roll(t, -f, axis=0) for t, f in zip(triangles, first, strict=True)]).reshape(-1, 9)
    return turned[np.lexsort(turned.T[::-1])]


@pytest.mark.parametrize("name", ["mesh.vtp", "mesh.stl", "MESH.STL"])
def test_a_mesh_comes_back_with_its_orientation(tmp_path: Path, tetrahedron: SurfaceMesh, name: str) -> None:
    save_mesh(tetrahedron, tmp_path / name)
    np.testing.assert_allclose(corners(load_mesh(tmp_path / name)), corners(tetrahedron), rtol=1e-6)
    assert [file.name for file in tmp_path.iterdir()] == [name]


def vtk_polydata(mesh: SurfaceMesh):
    vtk = pytest.importorskip("vtk")
    numpy_support = pytest.importorskip("vtk.util.numpy_support")
    data, points, polygons = vtk.vtkPolyData(), vtk.vtkPoints(), vtk.vtkCellArray()
    points.SetData(numpy_support.numpy_to_vtk(mesh.points, deep=True))
    data.SetPoints(points)
    for triangle in mesh.triangles:
        polygons.InsertNextCell(3, triangle.tolist())
    data.SetPolys(polygons)
    return vtk, data


@pytest.mark.parametrize("mode", ["Ascii", "Binary", "Appended"])
@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("encoded", [False, True])
def test_files_of_vtks_xml_writer(
    tmp_path: Path, tetrahedron: SurfaceMesh, mode: str, compressed: bool, encoded: bool
) -> None:
    vtk, data = vtk_polydata(tetrahedron)
    writer = vtk.vtkXMLPolyDataWriter()
    writer.SetFileName(str(tmp_path / "mesh.vtp"))
    writer.SetInputData(data)
    getattr(writer, f"SetDataModeTo{mode}")()
    writer.SetCompressorTypeToZLib() if compressed else writer.SetCompressorTypeToNone()
    writer.SetEncodeAppendedData(encoded)
    writer.SetHeaderTypeToUInt32() if encoded else writer.SetHeaderTypeToUInt64()
    writer.Write()
    lps = load_mesh(tmp_path / "mesh.vtp")
    np.testing.assert_allclose(lps.points * TO_RAS, tetrahedron.points)
    np.testing.assert_array_equal(lps.triangles, tetrahedron.triangles)


@pytest.mark.parametrize("version", [42, 51])
@pytest.mark.parametrize("binary", [False, True])
def test_files_of_vtks_legacy_writer(tmp_path: Path, tetrahedron: SurfaceMesh, version: int, binary: bool) -> None:
    vtk, data = vtk_polydata(tetrahedron)
    writer = vtk.vtkPolyDataWriter()
    writer.SetFileName(str(tmp_path / "mesh.vtk"))
    writer.SetHeader("SPACE=RAS")
    writer.SetInputData(data)
    writer.SetFileVersion(version)
    writer.SetFileTypeToBinary() if binary else writer.SetFileTypeToASCII()
    writer.Write()
    found = load_mesh(tmp_path / "mesh.vtk")
    np.testing.assert_allclose(found.points, tetrahedron.points, rtol=1e-5)
    np.testing.assert_array_equal(found.triangles, tetrahedron.triangles)


@pytest.mark.parametrize("suffix", [".vtp", ".vtk"])
def test_strips_and_polygons_become_triangles_of_one_orientation(tmp_path: Path, suffix: str) -> None:
    vtk = pytest.importorskip("vtk")
    source = vtk.vtkCubeSource()
    triangles = vtk.vtkTriangleFilter()
    triangles.SetInputConnection(source.GetOutputPort())
    merged = vtk.vtkCleanPolyData()
    merged.SetInputConnection(triangles.GetOutputPort())
    stripper = vtk.vtkStripper()
    stripper.SetInputConnection(merged.GetOutputPort())
    for number, filter_ in enumerate((source, stripper)):
        writer = vtk.vtkXMLPolyDataWriter() if suffix == ".vtp" else vtk.vtkPolyDataWriter()
        writer.SetInputConnection(filter_.GetOutputPort())
        path = tmp_path / f"{number}{suffix}"
        writer.SetFileName(str(path))
        writer.Write()
        mesh = load_mesh(path)
        a, b, c = mesh.points[mesh.triangles].transpose(1, 0, 2)
        assert len(mesh.triangles) == 12
        assert np.einsum("ni,ni->", np.cross(a, b), c) / 6 == pytest.approx(1.0)


def test_vtk_reads_what_we_write(tmp_path: Path, tetrahedron: SurfaceMesh) -> None:
    vtk = pytest.importorskip("vtk")
    numpy_support = pytest.importorskip("vtk.util.numpy_support")
    save_mesh(tetrahedron, tmp_path / "mesh.vtp")
    reader = vtk.vtkXMLPolyDataReader()
    reader.SetFileName(str(tmp_path / "mesh.vtp"))
    reader.Update()
    data = reader.GetOutput()
    np.testing.assert_array_equal(numpy_support.vtk_to_numpy(data.GetPoints().GetData()), tetrahedron.points)
    assert data.GetNumberOfPolys() == 4
    ((name, values),) = tetrahedron.scalars.items()
    np.testing.assert_array_equal(numpy_support.vtk_to_numpy(data.GetPointData().GetArray(name)), values)


@pytest.mark.slicer
@pytest.mark.parametrize("suffix", [".vtp", ".stl"])
def test_slicer_puts_our_file_where_it_belongs(tmp_path: Path, tetrahedron: SurfaceMesh, suffix: str) -> None:
    slicer = pytest.importorskip("slicer")
    numpy_support = pytest.importorskip("vtk.util.numpy_support")
    save_mesh(tetrahedron, tmp_path / f"mesh{suffix}")
    node, storage = slicer.vtkMRMLModelNode(), slicer.vtkMRMLModelStorageNode()
    scene = slicer.vtkMRMLScene()
    scene.AddNode(node)
    scene.AddNode(storage)
    storage.SetFileName(str(tmp_path / f"mesh{suffix}"))
    assert storage.ReadData(node)
    found = numpy_support.vtk_to_numpy(node.GetPolyData().GetPoints().GetData())
    np.testing.assert_allclose(np.sort(found, axis=0), np.sort(tetrahedron.points, axis=0))


@pytest.mark.slicer
@pytest.mark.parametrize("suffix", [".vtp", ".vtk", ".stl", ".obj"])
@pytest.mark.parametrize("frame", ["RAS", "LPS"])
def test_we_put_slicers_file_where_it_belongs(
    tmp_path: Path, tetrahedron: SurfaceMesh, suffix: str, frame: str
) -> None:
    slicer = pytest.importorskip("slicer")
    _, data = vtk_polydata(tetrahedron)
    node, storage = slicer.vtkMRMLModelNode(), slicer.vtkMRMLModelStorageNode()
    scene = slicer.vtkMRMLScene()
    scene.AddNode(node)
    scene.AddNode(storage)
    node.SetAndObservePolyData(data)
    storage.SetCoordinateSystem(storage.GetCoordinateSystemFromString(frame))
    storage.SetFileName(str(tmp_path / f"mesh{suffix}"))
    assert storage.WriteData(node)
    np.testing.assert_allclose(corners(load_mesh(tmp_path / f"mesh{suffix}")), corners(tetrahedron), rtol=1e-5)


def test_text_stl_and_obj(tmp_path: Path) -> None:
    facet = "facet normal 0 0 1\nouter loop\n" + "".join(f"vertex {p}\n" for p in ("0 0 0", "1 0 0", "0 1e0 0"))
    (tmp_path / "m.stl").write_text(f"solid SPACE=RAS\n{facet}endloop\nendfacet\nendsolid\n")
    (tmp_path / "m.obj").write_text("# SPACE=RAS\nv 0 0 0\nv 1 0 0\nv 0 1 0\nv 9 9 9\nf 1/1 2/2/2 -2//3\n")
    for name in ("m.stl", "m.obj"):
        np.testing.assert_array_equal(corners(load_mesh(tmp_path / name)), [[0, 0, 0, 1, 0, 0, 0, 1, 0]])
        assert len(load_mesh(tmp_path / name).points) == 3


@pytest.mark.parametrize("name", ["m.vtp", "m.vtk", "m.stl", "m.obj"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_is_bad_input_and_never_more(
    tmp_path: Path, tetrahedron: SurfaceMesh, name: str, data: st.DataObject
) -> None:
    if name == "m.vtk":
        content = b"# vtk DataFile Version 3.0\nx\nASCII\nDATASET POLYDATA\nPOINTS 3 float\n0 0 0 1 0 0 0 1 0\n"
        content += b"POLYGONS 1 4\n3 0 1 2\n"
    elif name == "m.obj":
        content = b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"
    else:
        save_mesh(tetrahedron, tmp_path / name)
        content = (tmp_path / name).read_bytes()
    first = data.draw(st.integers(0, len(content)))
    last = data.draw(st.integers(first, len(content)))
    (tmp_path / name).write_bytes(content[:first] + data.draw(st.binary(max_size=20)) + content[last:])
    try:
        mesh = load_mesh(tmp_path / name)
    except InputError:
        return
    assert np.isfinite(mesh.points).all()
    assert mesh.triangles.max() < len(mesh.points)


def test_missing_files_and_other_kinds_are_bad_input(tmp_path: Path, tetrahedron: SurfaceMesh) -> None:
    for name in ("absent.vtp", "mesh.ply", "mesh"):
        with pytest.raises(InputError):
            load_mesh(tmp_path / name)
    with pytest.raises(InputError):
        save_mesh(tetrahedron, tmp_path / "mesh.ply")
    with pytest.raises(InputError):
        save_mesh(tetrahedron, tmp_path / "no folder" / "mesh.vtp")


def test_entities_are_refused(tmp_path: Path) -> None:
    bomb = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><VTKFile type="PolyData">&a;</VTKFile>'
    (tmp_path / "m.vtp").write_text(bomb)
    with pytest.raises(InputError):
        load_mesh(tmp_path / "m.vtp")


@pytest.mark.real_data
def test_a_real_liver_has_its_volume(patient_data: Path) -> None:
    from XRayLib.metrics.mesh_solid import enclosed_volume_ml, is_closed

    mesh = load_mesh(patient_data / "mesh" / "surgeryvtk_liver" / "liver.vtk")
    assert is_closed(mesh)
    assert enclosed_volume_ml(mesh) == pytest.approx(2316, abs=1)
