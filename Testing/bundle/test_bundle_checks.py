"""A bundle is refused before anything dangerous in it is read."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

import pytest
from bundle_folder import edit_manifest, list_file, make_bundle
from hypothesis import given
from hypothesis import strategies as st
from onnx_models import custom_operator_model, engine_model, external_data_model, hidden_external_data_model
from XRayLib.bundle import file_checks, load_bundle, onnx_graph
from XRayLib.errors import InputError


def test_valid_bundle_loads_with_its_card(bundle_folder: Path) -> None:
    bundle = load_bundle(bundle_folder)
    assert (bundle.id, bundle.version, bundle.task, bundle.title) == ("test-scaling", "1.0.0", "scaling", "Scaling")
    assert bundle.file("graph") == bundle_folder / "model.onnx"
    assert bundle.read("graph") == (bundle_folder / "model.onnx").read_bytes()
    assert bundle.card.views == 1
    assert len(bundle.sha256) == 64
    with pytest.raises(InputError, match="no file of the kind 'torchscript'"):
        bundle.file("torchscript")


def test_changed_weights_are_refused_before_the_graph_is_parsed(
    bundle_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = bytearray((bundle_folder / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (bundle_folder / "model.onnx").write_bytes(content)

    def parsed(*_: object) -> None:
        raise AssertionError("parsed before its hash was checked")

    monkeypatch.setattr(file_checks, "refuse_unsafe_onnx", parsed)
    with pytest.raises(InputError, match="SHA-256 differs"):
        load_bundle(bundle_folder)


def test_change_after_loading_is_seen_when_the_weights_are_read(bundle_folder: Path) -> None:
    bundle = load_bundle(bundle_folder)
    content = (bundle_folder / "model.onnx").read_bytes()
    (bundle_folder / "model.onnx").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(InputError, match="SHA-256 differs"):
        bundle.read("graph")


def test_wrong_size_is_named(bundle_folder: Path) -> None:
    with (bundle_folder / "model.onnx").open("ab") as stream:
        stream.write(b"more")
    with pytest.raises(InputError, match="bytes instead of"):
        load_bundle(bundle_folder)


@pytest.mark.parametrize(
    "path",
    [
        "../model.onnx",
        "a/../../model.onnx",
        "/etc/model.onnx",
        "C:/model.onnx",
        "C:model.onnx",
        "..\\model.onnx",
        "a\\model.onnx",
        "./model.onnx",
        "a//model.onnx",
        "model.onnx ",
        "model.onnx.",
        "nul.onnx",
        "mo\ndel.onnx",
        "//server/share/model.onnx",
        "model\u202exnno.onnx",
    ],
)
def test_paths_that_could_leave_the_folder_are_refused(bundle_folder: Path, path: str) -> None:
    list_file(bundle_folder, path)
    with pytest.raises(InputError, match="not a plain relative path"):
        load_bundle(bundle_folder)


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
@pytest.mark.parametrize("linked", ["file", "folder", "manifest"])
def test_links_are_refused(bundle_folder: Path, tmp_path: Path, linked: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    name = {"file": "model.onnx", "manifest": "model.json", "folder": "model.onnx"}[linked]
    (bundle_folder / name).rename(outside / name)
    if linked == "folder":
        (bundle_folder / "sub").symlink_to(outside, target_is_directory=True)
        list_file(bundle_folder, "sub/model.onnx", real=outside / "model.onnx")
    else:
        (bundle_folder / name).symlink_to(outside / name)
    with pytest.raises(InputError, match=r"is a link|has no model\.json"):
        load_bundle(bundle_folder)


@pytest.mark.parametrize("name", ["weights.pt", "weights.PTH", "weights.pkl", "last.ckpt", "pytorch_model.bin"])
def test_pickles_are_refused_listed_or_not(bundle_folder: Path, name: str) -> None:
    (bundle_folder / name).write_bytes(b"\x80\x04K\x01.")
    with pytest.raises(InputError, match="can run code"):
        load_bundle(bundle_folder)
    list_file(bundle_folder, name, "data", real=bundle_folder / name)
    with pytest.raises(InputError, match="can run code"):
        load_bundle(bundle_folder)


@pytest.mark.parametrize(
    ("graph", "reason"),
    [
        (external_data_model(), "weights in other files"),
        (hidden_external_data_model(), "weights in other files"),
        (custom_operator_model(), r"custom operators \(some.company\)"),
        (engine_model(), "EPContext"),
        (b"\x80\x04\x95 a pickle in disguise", "not a readable ONNX model"),
        (b"PK\x03\x04 a zip in disguise", "not a readable ONNX model"),
        (b"\x08\x08", "not a complete ONNX model"),
    ],
)
def test_graphs_that_reach_outside_are_refused(tmp_path: Path, graph: bytes, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        load_bundle(make_bundle(tmp_path, graph=graph))


def test_oversized_bundle_is_refused_from_its_listing(bundle_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_checks, "MAX_BUNDLE_BYTES", 10)
    with pytest.raises(InputError, match="at most"):
        load_bundle(bundle_folder)


def test_double_listing_and_wrong_kind_are_refused(bundle_folder: Path) -> None:
    entry = json.loads((bundle_folder / "model.json").read_text())["files"][0]
    edit_manifest(bundle_folder, files=[entry, {**entry, "path": "MODEL.onnx", "role": "data"}])
    with pytest.raises(InputError, match="twice"):
        load_bundle(bundle_folder)
    edit_manifest(bundle_folder, files=[{**entry, "role": "preview"}])
    with pytest.raises(InputError, match="that kind is not accepted"):
        load_bundle(bundle_folder)


def test_missing_file_is_named(bundle_folder: Path) -> None:
    (bundle_folder / "model.onnx").unlink()
    with pytest.raises(InputError, match=r"lacks its file 'model\.onnx'"):
        load_bundle(bundle_folder)


@given(st.data())
def test_any_bytes_are_read_or_refused(data: st.DataObject) -> None:
    content = bytearray(hidden_external_data_model())
    for _ in range(data.draw(st.integers(1, 6))):
        position = data.draw(st.integers(0, len(content) - 1))
        content[position : position + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    with contextlib.suppress(InputError):
        onnx_graph.refuse_unsafe_onnx(bytes(content), "model.onnx")
