"""A report of a result: each film beside its re-projection, slices of the volume, what was assumed."""

from XRayLib.report.html_report import write_report

__all__ = ["write_report"]
