"""Test-time data consistency: a volume is changed, as little as needed, until it projects to the films."""

from XRayLib.data_consistency.agreement import Agreement, agreement_of, made_consistent

__all__ = ["Agreement", "agreement_of", "made_consistent"]
