"""Test-time data consistency: a volume is changed, as little as needed, until it projects to the films."""

from XRayLib.data_consistency.agreement import Agreement, agreement_of, made_consistent
from XRayLib.data_consistency.film_errors import MEASURED, PROCESSED, FilmDeviation

__all__ = ["MEASURED", "PROCESSED", "Agreement", "FilmDeviation", "agreement_of", "made_consistent"]
