"""The manifest: schema, versions, limits, and writing it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from bundle_folder import edit_manifest, manifest_fields
from jsonschema import Draft202012Validator
from XRayLib.bundle import load_bundle, manifest, write_manifest
from XRayLib.errors import InputError


def test_schema_is_valid_and_published_under_models(repository: Path) -> None:
    schema = json.loads(manifest.SCHEMA_FILE.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    published = repository / "models" / "schema" / "model.schema.json"
    reference = json.loads(published.read_text(encoding="utf-8"))["$ref"]
    assert (published.parent / reference).resolve() == manifest.SCHEMA_FILE.resolve()


def test_written_manifest_has_the_files_sizes_and_hashes(bundle_folder: Path) -> None:
    content = (bundle_folder / "model.onnx").read_bytes()
    entry = json.loads((bundle_folder / "model.json").read_text())["files"][0]
    assert entry["size_bytes"] == len(content)
    assert entry["sha256"] == hashlib.sha256(content).hexdigest()


def test_invalid_manifest_is_not_written(bundle_folder: Path) -> None:
    before = (bundle_folder / "model.json").read_bytes()
    with pytest.raises(InputError, match="license"):
        write_manifest(bundle_folder, {k: v for k, v in manifest_fields("a-b-c", 1.0).items() if k != "license"})
    assert (bundle_folder / "model.json").read_bytes() == before


@pytest.mark.parametrize("version", ["2.0", "10.3", "0.9"])
def test_unknown_major_version_is_refused_by_name(bundle_folder: Path, version: str) -> None:
    edit_manifest(bundle_folder, schema_version=version, files="of another shape")
    with pytest.raises(InputError, match=rf"manifest version {version}"):
        load_bundle(bundle_folder)


def test_newer_minor_version_with_unknown_fields_is_accepted(bundle_folder: Path) -> None:
    edit_manifest(bundle_folder, schema_version="1.7", something_new={"a": 1})
    assert load_bundle(bundle_folder).id == "test-scaling"


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"files": []}, "files"),
        ({"files": [{"path": "model.onnx", "role": "graph", "size_bytes": 5}]}, "sha256"),
        ({"id": "Not A Slug"}, "id"),
        ({"id": "../../up"}, "id"),
        ({"inputs": {}}, "inputs"),
        ({"version": "one"}, "version"),
        ({"schema_version": 1}, "schema_version"),
    ],
)
def test_schema_breaches_are_refused(bundle_folder: Path, changes: dict, where: str) -> None:
    edit_manifest(bundle_folder, **changes)
    with pytest.raises(InputError, match=where):
        load_bundle(bundle_folder)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"\xff\xfe{}",
        b'{"schema_version": NaN}',
        b"[" * 100_000,
        b"null",
        rb'{"a": "\ud800"}',
    ],
)
def test_broken_json_is_one_sentence(bundle_folder: Path, content: bytes) -> None:
    (bundle_folder / "model.json").write_bytes(content)
    with pytest.raises(InputError, match=r"not valid JSON|no schema_version"):
        load_bundle(bundle_folder)


def test_manifest_size_is_capped(bundle_folder: Path) -> None:
    (bundle_folder / "model.json").write_bytes(b" " * (manifest.MAX_MANIFEST_BYTES + 1))
    with pytest.raises(InputError, match="larger than 1 MiB"):
        load_bundle(bundle_folder)


def test_folder_without_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no model\.json"):
        load_bundle(tmp_path)
