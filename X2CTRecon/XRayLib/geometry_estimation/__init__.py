"""Geometry of films that carry none, estimated from what they show of a patient who is expected but unknown."""

from XRayLib.geometry_estimation.estimation import EstimatedGeometry, estimated_geometry
from XRayLib.geometry_estimation.patient_prior import MEAN_PATIENT, OWN_CT, Variability
from XRayLib.geometry_estimation.run import run_with_estimated_geometry

__all__ = [
    "MEAN_PATIENT",
    "OWN_CT",
    "EstimatedGeometry",
    "Variability",
    "estimated_geometry",
    "run_with_estimated_geometry",
]
