"""LPIPS with random weights: by hand, against PyTorch, and its file of weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.metrics import Lpips, evaluate_volume
from XRayLib.metrics.perceptual import WEIGHTS_VARIABLE, lpips_of_volumes
from XRayLib.metrics.safetensors import read_safetensors

SHAPES = {
    "net.slice1.0": (64, 3, 11, 11),
    "net.slice2.3": (192, 64, 5, 5),
    "net.slice3.6": (384, 192, 3, 3),
    "net.slice4.8": (256, 384, 3, 3),
    "net.slice5.10": (256, 256, 3, 3),
}
CHANNELS = (64, 192, 384, 256, 256)


def random_weights(seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    weights = {}
    for name, shape in SHAPES.items():
        weights[f"{name}.weight"] = (rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)
        weights[f"{name}.bias"] = (0.1 * rng.standard_normal(shape[0])).astype(np.float32)
    for level, channels in enumerate(CHANNELS):
        weights[f"lin{level}.model.1.weight"] = rng.random((1, channels, 1, 1), np.float32)
    return weights


def write_safetensors(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    header, data = {"__metadata__": {"made": "here"}}, b""
    for name, array in arrays.items():
        kind = {"float32": "F32", "float16": "F16", "int64": "I64"}[array.dtype.name]
        raw = np.ascontiguousarray(array).tobytes()
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


@pytest.fixture
def images() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return rng.uniform(-1, 1, (2, 70, 83)).astype(np.float32)  # type: ignore[return-value]


def by_pytorch(weights: dict[str, np.ndarray], first: np.ndarray, second: np.ndarray) -> float:
    """The published definition, spelled with PyTorch's layers."""
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    w = {name: torch.as_tensor(array).double() for name, array in weights.items()}
    shift = torch.tensor([-0.030, -0.088, -0.188]).double().reshape(1, 3, 1, 1)
    scale = torch.tensor([0.458, 0.448, 0.450]).double().reshape(1, 3, 1, 1)

    def features(image: np.ndarray) -> list:
        x = (torch.as_tensor(image).double().expand(1, 3, -1, -1) - shift) / scale
        levels = []
        for name, stride, padding, pool in zip(
            SHAPES, (4, 1, 1, 1, 1), (2, 2, 1, 1, 1), (False, True, True, False, False), strict=True
        ):
            x = functional.max_pool2d(x, 3, 2) if pool else x
            x = torch.relu(functional.conv2d(x, w[f"{name}.weight"], w[f"{name}.bias"], stride, padding))
            levels.append(x)
        return levels

    total = 0.0
    for level, (f, g) in enumerate(zip(features(first), features(second), strict=True)):
        difference = (functional.normalize(f, eps=1e-10) - functional.normalize(g, eps=1e-10)) ** 2
        total += functional.conv2d(difference, w[f"lin{level}.model.1.weight"]).mean().item()
    return total


def test_it_equals_the_definition_in_pytorch(images: tuple[np.ndarray, np.ndarray]) -> None:
    weights = random_weights()
    assert Lpips(weights)(*images) == pytest.approx(by_pytorch(weights, *images), rel=1e-4)


def test_it_is_a_distance(images: tuple[np.ndarray, np.ndarray]) -> None:
    metric = Lpips(random_weights())
    first, second = images
    assert metric(first, first) == 0
    assert metric(first, second) == pytest.approx(metric(second, first))
    near = metric(first, first + 0.01 * second)
    assert 0 < near < metric(first, second)


def test_one_layer_by_hand() -> None:
    """Only the first layer counts, its filters see the middle pixel, images are constant: all by hand."""
    weights = {name: np.zeros_like(array) for name, array in random_weights().items()}
    weights["net.slice1.0.weight"][0, 0, 5, 5] = 1.0
    weights["net.slice1.0.bias"][1] = 3.0
    weights["lin0.model.1.weight"][0, :2, 0, 0] = (0.5, 2.0)
    first, second = np.full((40, 40), 0.4, np.float32), np.full((40, 40), 0.9, np.float32)
    f, g = (np.array([(value + 0.030) / 0.458, 3.0]) for value in (0.4, 0.9))
    expected = np.sum([0.5, 2.0] * (f / np.linalg.norm(f) - g / np.linalg.norm(g)) ** 2)
    assert Lpips(weights)(first, second) == pytest.approx(expected, rel=1e-5)


def test_volumes_are_compared_in_their_three_middle_slices() -> None:
    metric = Lpips(random_weights())
    rng = np.random.default_rng(2)
    first = rng.uniform(-1024, 1476, (40, 42, 44)).astype(np.float32)
    second = first.copy()
    second[0], second[:, 0], second[:, :, 0] = 0, 0, 0
    second[20, 21, 22] += 300
    only_middle = first.copy()
    only_middle[20, 21, 22] += 300
    slices = [
        metric(a / 1250 - 0.1808, b / 1250 - 0.1808)
        for a, b in ((first[20], second[20]), (first[:, 21], second[:, 21]), (first[:, :, 22], second[:, :, 22]))
    ]
    assert lpips_of_volumes(first, second, metric) == pytest.approx(np.mean(slices), rel=1e-3)
    assert lpips_of_volumes(first, only_middle, metric) < lpips_of_volumes(first, second, metric)


def test_without_weights_the_reason_is_told_in_place_of_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(WEIGHTS_VARIABLE, raising=False)
    voxels = np.full((40, 40, 40), -1000, np.float32)
    voxels[5:35, 5:35, 5:35] = 0
    volume = Volume.axis_aligned(voxels, (2, 2, 2))
    values = evaluate_volume(volume, volume)
    assert "lpips" not in values["result"]
    assert values["lpips_weights"].startswith("unavailable")
    assert WEIGHTS_VARIABLE in values["lpips_weights"]


def test_installed_weights_give_a_number_and_their_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import hashlib

    path = write_safetensors(tmp_path / "lpips.safetensors", random_weights())
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(path))
    voxels = np.full((40, 40, 40), -1000, np.float32)
    voxels[5:35, 5:35, 5:35] = 0
    volume = Volume.axis_aligned(voxels, (2, 2, 2))
    values = evaluate_volume(volume, volume)
    assert values["result"]["lpips"] == 0
    assert values["baselines"]["air"]["lpips"] > 0
    assert values["lpips_weights"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_half_precision_weights_are_read_and_integers_passed_over(tmp_path: Path) -> None:
    arrays = {"a": np.array([[1.5, -2]], np.float16), "n": np.array([1]), "b": np.array(7, np.float32)}
    found, _ = read_safetensors(write_safetensors(tmp_path / "w.safetensors", arrays))
    assert found.keys() == {"a", "b"}
    np.testing.assert_array_equal(found["a"], [[1.5, -2]])
    assert found["b"] == 7


@pytest.mark.parametrize(
    "damage", ["missing", "empty", "header length", "offsets", "size", "not json", "lacks a layer"]
)
def test_a_damaged_file_of_weights_is_bad_input(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "w.safetensors"
    arrays = {"a": np.zeros((2, 2), np.float32)}
    if damage == "empty":
        path.write_bytes(b"")
    elif damage == "header length":
        path.write_bytes((1 << 40).to_bytes(8, "little") + b"{}")
    elif damage == "not json":
        path.write_bytes((2).to_bytes(8, "little") + b"{]")
    elif damage in ("offsets", "size"):
        entry = {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16 if damage == "offsets" else 8]}
        text = json.dumps({"a": entry}).encode()
        path.write_bytes(len(text).to_bytes(8, "little") + text + b"\0" * 8)
    elif damage == "lacks a layer":
        write_safetensors(path, arrays)
    with pytest.raises(InputError):
        Lpips.from_file(path)
