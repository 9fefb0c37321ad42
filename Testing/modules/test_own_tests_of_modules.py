"""What "Reload and Test" runs in Slicer passes."""

from __future__ import annotations

import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")

pytestmark = pytest.mark.slicer


@pytest.mark.parametrize("name", ["X2CTRecon", "XRayRegistration"])
def test_a_module_passes_its_own_test(slicer_host, load_module, name: str) -> None:
    import slicer

    load_module("X2CTRecon")
    load_module("XRayRegistration")
    slicer_host.finish_startup()
    slicer.selfTests[name]()
