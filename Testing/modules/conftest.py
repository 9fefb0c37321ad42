"""The panels with a worker that the test plays; a file with a worker of its own has its own ``client``."""

from __future__ import annotations

from typing import Any

import pytest
from modules.films import a_ct, a_film
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


@pytest.fixture
def run(registration: Any) -> Any:
    """The registration module's widget with a CT and a run of two frames."""
    from XRayLib.scene.film_run import put_film_run
    from XRayLib.scene.volume_nodes import put_volume

    registration.panel.parameterNode.ctVolume = put_volume(a_ct(), "CT")
    browser, film = put_film_run("Run", [a_film(), a_film()])
    registration.panel.addRun(browser, [film])
    registration.ui.sequenceCollapsibleButton.collapsed = False
    return registration
