"""Metrics, one definition each with its source; never shown without trivial baselines."""

from XRayLib.metrics.evaluate_volume import evaluate_volume

__all__ = ["evaluate_volume"]
