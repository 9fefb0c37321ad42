"""Networks trained for one patient: on simulated films of the CT, once, before the intervention."""

from __future__ import annotations

from XRayRegistrationLib.preparation.patient_folder import KINDS, preparation_state, prepared_bundle
from XRayRegistrationLib.preparation.prepare import prepare_patient

__all__ = ["KINDS", "preparation_state", "prepare_patient", "prepared_bundle"]
