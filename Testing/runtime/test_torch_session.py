"""TorchScript runs only when trusted, and gradients flow through it."""

from __future__ import annotations

import importlib.metadata
import io
from pathlib import Path

import numpy as np
import pytest
from bundle_folder import list_file, make_bundle
from XRayLib.bundle import Bundle, import_bundle, load_bundle
from XRayLib.errors import InputError, MissingDependencyError
from XRayLib.runtime import TorchSession, open_session

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")


@pytest.fixture
def torch_bundle(tmp_path: Path) -> Bundle:
    torch = pytest.importorskip("torch")
    folder = make_bundle(tmp_path / "source", "torch-scaling")
    layer = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 1, bias=False), torch.nn.ReLU())
    torch.nn.init.constant_(layer[0].weight, 2.0)
    content = io.BytesIO()
    torch.jit.save(torch.jit.trace(layer, torch.zeros(1, 1, 8, 8)), content)
    (folder / "model.ts").write_bytes(content.getvalue())
    list_file(folder, "model.ts", "torchscript", real=folder / "model.ts")
    return load_bundle(folder)


def test_untrusted_program_is_refused(torch_bundle: Bundle) -> None:
    with pytest.raises(InputError, match="from an unknown source"):
        open_session(torch_bundle, "cpu", gradients=True)


def test_trusted_program_runs_and_differentiates(torch_bundle: Bundle) -> None:
    import torch

    session = open_session(import_bundle(torch_bundle.folder, allow_torchscript=True), "cpu", gradients=True)
    assert isinstance(session, TorchSession)
    image = np.linspace(-1, 1, 64, dtype=np.float32).reshape(1, 1, 8, 8)
    np.testing.assert_allclose(session.run({"x": image})["y"], np.maximum(2 * image, 0))
    x = torch.tensor(image, requires_grad=True)
    session.module(x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 2.0 * (image > 0))
    assert not any(w.requires_grad for w in session.module.parameters())


@pytest.mark.parametrize(("installed", "said"), [(None, "not installed"), ("1.13.1", "1.13.1 is installed")])
def test_missing_or_old_torch_is_one_sentence(
    torch_bundle: Bundle, monkeypatch: pytest.MonkeyPatch, installed: str | None, said: str
) -> None:
    trusted = import_bundle(torch_bundle.folder, allow_torchscript=True)

    def version(_: str) -> str:
        if installed is None:
            raise importlib.metadata.PackageNotFoundError
        return installed

    monkeypatch.setattr(importlib.metadata, "version", version)
    with pytest.raises(MissingDependencyError, match=said):
        open_session(trusted, "cpu", gradients=True)


def test_bundle_without_torchscript_says_so(bundle: Bundle) -> None:
    with pytest.raises(InputError, match="no file of the kind 'torchscript'"):
        open_session(bundle, "cpu", gradients=True)
