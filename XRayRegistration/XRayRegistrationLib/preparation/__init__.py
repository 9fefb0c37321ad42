"""Networks that are trained for one patient before the registration."""

from __future__ import annotations

from XRayRegistrationLib.preparation.prepare import KINDS, preparation_state, prepare_patient

__all__ = ["KINDS", "preparation_state", "prepare_patient"]
