"""Importing a bundle installs it completely or not at all."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest
from bundle_folder import list_file, make_bundle
from typer.testing import CliRunner
from XRayLib.bundle import (
    import_bundle,
    importing,
    installed,
    installed_bundle,
    installed_bundles,
    installed_cards,
    load_bundle,
    preferring,
    remove_bundle,
    scan_bundles,
)
from XRayLib.errors import InputError


def zipped(folder: Path, prefix: str = "", extra: dict[str, bytes] | None = None) -> Path:
    archive = folder.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for file in sorted(folder.rglob("*")):
            out.write(file, prefix + file.relative_to(folder).as_posix())
        for name, content in (extra or {}).items():
            out.writestr(name, content)
    return archive


def left_behind(user_models: Path) -> list[str]:
    return sorted(p.name for p in user_models.iterdir()) if user_models.exists() else []


@pytest.mark.parametrize("prefix", ["", "test-scaling/"])
def test_zip_is_installed_with_its_card_and_nothing_else(bundle_folder: Path, user_models: Path, prefix: str) -> None:
    bundle = import_bundle(zipped(bundle_folder, prefix, {prefix + "unrelated.txt": b"x"}))
    assert bundle.folder == user_models / "test-scaling"
    assert sorted(p.name for p in bundle.folder.iterdir()) == ["README.md", "model.json", "model.onnx"]
    assert left_behind(user_models) == ["test-scaling"]


def test_folder_is_installed_under_its_id(tmp_path: Path) -> None:
    folder = make_bundle(tmp_path / "made").rename(tmp_path / "some name")
    assert import_bundle(folder).folder.name == "test-scaling"
    assert import_bundle(folder / "model.json", replace=True).id == "test-scaling"


def test_import_does_not_silently_replace(bundle_folder: Path, tmp_path: Path) -> None:
    import_bundle(bundle_folder)
    with pytest.raises(InputError, match="already installed"):
        import_bundle(bundle_folder)
    other = make_bundle(tmp_path / "other", scale=3.0)
    assert import_bundle(other, replace=True).sha256 == installed_bundle("test-scaling").sha256


def test_the_command_replaces_when_told(bundle_folder: Path, tmp_path: Path) -> None:
    from XRayLib.cli.app import app

    def imported(*arguments: str) -> int:
        return CliRunner().invoke(app, ["models", "import", *arguments]).exit_code

    assert imported(str(bundle_folder)) == 0
    other = make_bundle(tmp_path / "other", scale=3.0)
    assert imported(str(other)) == 2
    first = installed_bundle("test-scaling").sha256
    assert imported(str(other), "--replace") == 0
    assert installed_bundle("test-scaling").sha256 != first


def test_failed_replacement_keeps_the_old_bundle(bundle_folder: Path, tmp_path: Path, user_models: Path) -> None:
    old = import_bundle(bundle_folder)
    broken = make_bundle(tmp_path / "broken", scale=3.0)
    (broken / "model.onnx").write_bytes(b"x" * (broken / "model.onnx").stat().st_size)
    with pytest.raises(InputError, match="SHA-256"):
        import_bundle(broken, replace=True)
    assert installed_bundle("test-scaling").sha256 == old.sha256
    assert left_behind(user_models) == ["test-scaling"]


@pytest.mark.parametrize("name", ["../escaped.txt", "/abs.txt", "a/../../b.txt", "C:\\x.txt", "..\\x.txt"])
def test_zip_members_cannot_leave_the_folder(bundle_folder: Path, user_models: Path, name: str) -> None:
    archive = zipped(bundle_folder, extra={name: b"x"})
    before = set(user_models.parent.rglob("*"))
    with pytest.raises(InputError, match="not a plain relative path"):
        import_bundle(archive)
    assert set(user_models.parent.rglob("*")) - before <= {user_models}


def test_zip_link_is_refused(bundle_folder: Path) -> None:
    archive = zipped(bundle_folder)
    with zipfile.ZipFile(archive, "a") as out:
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        out.writestr(link, "/etc/passwd")
    with pytest.raises(InputError, match="contains a link"):
        import_bundle(archive)


def test_zip_bomb_is_refused(bundle_folder: Path, user_models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = zipped(bundle_folder, extra={"bomb.txt": b"0" * 5_000_000})
    monkeypatch.setattr(importing, "MAX_BUNDLE_BYTES", 1_000_000)
    with pytest.raises(InputError, match="too large"):
        import_bundle(archive)
    assert left_behind(user_models) == []


def test_file_longer_than_declared_is_refused(bundle_folder: Path, user_models: Path) -> None:
    with (bundle_folder / "model.onnx").open("ab") as stream:
        stream.write(b"\0" * 100)
    for source in (bundle_folder, zipped(bundle_folder)):
        with pytest.raises(InputError, match="larger than declared"):
            import_bundle(source)
    assert left_behind(user_models) == []


def test_things_that_are_no_bundles_are_named(tmp_path: Path, bundle_folder: Path) -> None:
    text = tmp_path / "film.png"
    text.write_bytes(b"not a zip")
    with pytest.raises(InputError, match="neither a bundle folder nor a zip"):
        import_bundle(text)
    damaged = zipped(bundle_folder)
    content = bytearray(damaged.read_bytes())
    content[60:200] = bytes(140)
    damaged.write_bytes(content)
    with pytest.raises(InputError):
        import_bundle(damaged)
    empty = io.BytesIO()
    zipfile.ZipFile(empty, "w").close()
    (tmp_path / "empty.zip").write_bytes(empty.getvalue())
    with pytest.raises(InputError, match=r"exactly one model\.json"):
        import_bundle(tmp_path / "empty.zip")


def test_torchscript_needs_the_users_word(bundle_folder: Path) -> None:
    from XRayLib.bundle.trust import torchscript_is_trusted

    program = bundle_folder / "model.ts"
    program.write_bytes(b"a program")
    list_file(bundle_folder, "model.ts", "torchscript", real=program)
    with pytest.raises(InputError, match="is a program"):
        import_bundle(bundle_folder)
    assert torchscript_is_trusted(import_bundle(bundle_folder, allow_torchscript=True))
    program.write_bytes(b"another program")
    list_file(bundle_folder, "model.ts", "torchscript", real=program)
    with pytest.raises(InputError, match="is a program"):
        import_bundle(bundle_folder, replace=True)


def test_removal_takes_only_imported_bundles(bundle_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import_bundle(bundle_folder)
    remove_bundle("test-scaling")
    assert "test-scaling" not in installed_bundles()
    with pytest.raises(InputError, match="is not installed"):
        remove_bundle("test-scaling")
    with pytest.raises(InputError, match="is not installed"):
        remove_bundle("../made/test-scaling")
    assert (bundle_folder / "model.json").is_file()
    monkeypatch.setattr(installed, "shipped_models_folder", lambda: bundle_folder.parent)
    with pytest.raises(InputError, match="came with XRay3D"):
        remove_bundle("test-scaling")


def test_broken_bundle_is_left_out_with_its_reason(bundle_folder: Path, tmp_path: Path) -> None:
    import_bundle(bundle_folder)
    second = import_bundle(make_bundle(tmp_path / "second", "test-other"))
    (second.folder / "model.onnx").write_bytes(b"changed")
    usable, refused = scan_bundles()
    assert "test-scaling" in usable
    assert "test-other" not in usable
    assert "bytes instead of" in refused[second.folder]
    with pytest.raises(InputError, match="bytes instead of"):
        installed_bundle("test-other")


def test_one_bundle_is_found_without_reading_the_others(
    bundle_folder: Path, tmp_path: Path, user_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_bundle(bundle_folder)
    import_bundle(make_bundle(tmp_path / "second", "test-other"))
    (user_models / "unreadable").mkdir()
    (user_models / "unreadable" / "model.json").write_text("[")
    loaded = []
    monkeypatch.setattr(installed, "load_bundle", lambda folder: loaded.append(folder.name) or load_bundle(folder))
    assert installed_bundle("test-scaling").id == "test-scaling"
    assert loaded == ["test-scaling"]
    with pytest.raises(InputError, match=r"There is no model .unknown.\. Installed: .*test-other, test-scaling"):
        installed_bundle("unknown")


def test_cards_list_without_reading_weights(bundle_folder: Path) -> None:
    bundle = import_bundle(bundle_folder)
    (bundle.folder / "model.onnx").unlink()
    card = installed_cards()["test-scaling"]
    assert card.limitations == ("It only multiplies.",)
    assert "test-scaling" not in installed_bundles()


def test_damaged_archives_are_one_sentence_and_leave_nothing(bundle_folder: Path, user_models: Path) -> None:
    archive = zipped(bundle_folder)
    content = archive.read_bytes()
    random = np.random.default_rng(0)
    refused = 0
    for _ in range(150):
        damaged = bytearray(content)
        for position in random.integers(0, len(content), 4):
            damaged[position] = int(random.integers(256))
        archive.write_bytes(damaged)
        try:
            import_bundle(archive, replace=True)
        except InputError:
            refused += 1
        assert left_behind(user_models) in ([], ["test-scaling"])
    assert refused > 100


def test_a_preferred_bundle_stands_for_its_id_and_only_within(tmp_path: Path) -> None:
    shipped = next(iter(installed_bundles().values()))
    new = make_bundle(tmp_path / "new")
    manifest = new / "model.json"
    manifest.write_text(manifest.read_text().replace("test-scaling", shipped.id))
    new = new.rename(tmp_path / shipped.id)
    with preferring(new):
        assert installed_bundle(shipped.id).folder == new
        assert installed_cards()[shipped.id].id == shipped.id
    assert installed_bundle(shipped.id).folder == shipped.folder
    with preferring(shipped.folder):
        assert scan_bundles()[1] == {}
