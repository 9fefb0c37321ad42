"""Every backend that can run on this computer, Warp's kernels on Warp's own CPU device included."""

from __future__ import annotations

import pytest
from XRayLib.projector.backends import Backend


@pytest.fixture(scope="session", params=["numba", "numpy", "warp"])
def backend(request: pytest.FixtureRequest) -> Backend:
    pytest.importorskip(request.param)
    if request.param == "numba":
        from XRayLib.projector.numba_backend import NumbaBackend

        return NumbaBackend()
    if request.param == "numpy":
        from XRayLib.projector.numpy_backend import NumpyBackend

        return NumpyBackend()
    from XRayLib.projector.warp_backend import WarpBackend

    return WarpBackend("cpu")
