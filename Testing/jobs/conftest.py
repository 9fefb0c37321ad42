"""Workers with test methods, and a case for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from worker_cases import ENVIRONMENT, make_radiograph
from XRayLib.case import Case
from XRayLib.jobs.client import WorkerClient
from XRayLib.jobs.settings import WorkerSettings


@pytest.fixture
def case() -> Case:
    return Case((make_radiograph(),))


@pytest.fixture
def make_client(tmp_path: Path) -> Iterator[Callable[..., WorkerClient]]:
    clients = []

    def make(**settings: object) -> WorkerClient:
        environment = {**ENVIRONMENT, **settings.pop("environment", {})}  # type: ignore[dict-item]
        folder = settings.pop("temporary_folder", tmp_path / "jobs")
        client = WorkerClient(
            settings=WorkerSettings(temporary_folder=folder, environment=environment, **settings)  # type: ignore[arg-type]
        )
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(make_client: Callable[..., WorkerClient]) -> WorkerClient:
    return make_client()
