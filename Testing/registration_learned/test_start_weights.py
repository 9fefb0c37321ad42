"""A preparation may start from weights that have seen many patients."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
import torch
from conftest import TINY, tiny
from XRayLib.bundle import write_manifest
from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.preparation.anatomy import anatomy_of
from XRayLib.preparation.patient_folder import prepared_bundle
from XRayLib.preparation.training import Training
from XRayRegistrationLib.preparation import prepare_patient
from XRayRegistrationLib.preparation.tasks import PoseTask

WHAT = PoseTask.what


def write_safetensors(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    """The format's header and the tensors behind it."""
    header, blobs, place = {}, [], 0
    for name, tensor in tensors.items():
        blob = tensor.contiguous().float().numpy().tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [place, place + len(blob)]}
        place += len(blob)
        blobs.append(blob)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


@pytest.fixture
def start(torso: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, torch.Tensor]:
    """The weights of the installed bundle 'many-patients': a prepared bundle with its tensors beside the graph."""
    prepare_patient(torso, WHAT, {**TINY, "validation_films": 1})
    models = tmp_path / "models"
    folder = models / "many-patients"
    source = prepared_bundle(torso, WHAT)
    assert source is not None
    folder.mkdir(parents=True)
    (folder / "network.onnx").write_bytes((source / "network.onnx").read_bytes())
    torch.manual_seed(5)
    network = PoseTask(anatomy_of(torso, 64, "cpu"), tiny()).network()
    weights = {name: torch.randn_like(tensor) for name, tensor in network.state_dict().items()}
    write_safetensors(folder / "weights.safetensors", weights)
    manifest = json.loads((source / "model.json").read_text())
    files = [{"path": "network.onnx", "role": "graph"}, {"path": "weights.safetensors", "role": "data"}]
    write_manifest(folder, {**manifest, "id": "many-patients", "files": files})
    monkeypatch.setenv("XRAY3D_MODELS", str(models))
    return weights


def test_training_begins_with_the_weights(torso: Volume, start: dict[str, torch.Tensor], tmp_path: Path) -> None:
    task = PoseTask(anatomy_of(torso, 64, "cpu"), tiny(start_weights="many-patients"))
    begun = Training(task, tmp_path / "new")._network.state_dict()
    assert set(begun) == set(start)
    for name, tensor in start.items():
        torch.testing.assert_close(begun[name], tensor)


def test_the_averaged_network_begins_with_them_too(
    torso: Volume, start: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    task = PoseTask(anatomy_of(torso, 64, "cpu"), tiny(start_weights="many-patients"))
    trained = Training(task, tmp_path / "new").trained_network().state_dict()
    for name, tensor in start.items():
        torch.testing.assert_close(trained[name], tensor)


def test_weights_of_another_size_are_refused(torso: Volume, start: dict[str, torch.Tensor]) -> None:
    with pytest.raises(InputError, match="another size"):
        prepare_patient(torso, WHAT, {**TINY, "width": 8, "start_weights": "many-patients"})


def test_weights_for_another_method_are_refused(torso: Volume, start: dict[str, torch.Tensor]) -> None:
    with pytest.raises(InputError, match="no weights to start 'scene-coordinates'"):
        prepare_patient(torso, "scene-coordinates", {**TINY, "start_weights": "many-patients"})
