"""The panels with a worker that the test plays; a file with a worker of its own has its own ``client``."""

from __future__ import annotations

from typing import Any

import pytest
from modules.reconstructions import open_reconstruction
from modules.registrations import RegistrationClient, give_two_films_and_a_ct, open_registration


@pytest.fixture
def client() -> RegistrationClient:
    """The worker."""
    return RegistrationClient()


@pytest.fixture
def reconstruction(slicer_main_window: Any, load_module: Any, client: RegistrationClient, monkeypatch: Any) -> Any:
    """The reconstruction module's widget, empty."""
    return open_reconstruction(slicer_main_window, load_module, client, monkeypatch)


@pytest.fixture
def registration(slicer_main_window: Any, load_module: Any, client: RegistrationClient, monkeypatch: Any) -> Any:
    """The registration module's widget, empty."""
    return open_registration(slicer_main_window, load_module, client, monkeypatch)


@pytest.fixture
def registration_case(registration: Any) -> Any:
    """The module's widget with two films and a CT."""
    give_two_films_and_a_ct(registration)
    return registration
