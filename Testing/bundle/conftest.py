"""The user's models go into a temporary folder in every test here."""

from __future__ import annotations

from pathlib import Path

import pytest
from bundle_folder import make_bundle


@pytest.fixture(autouse=True)
def user_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "user models"
    monkeypatch.setenv("XRAY3D_MODELS", str(folder))
    return folder


@pytest.fixture
def bundle_folder(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "made")
