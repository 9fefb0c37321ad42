"""A report of a result: each film beside its re-projection, slices of the volume, what was assumed."""

from XRayLib.report.html_report import report_writer, write_pdf_report, write_report
from XRayLib.report.volume_report import write_volume_report

__all__ = ["report_writer", "write_pdf_report", "write_report", "write_volume_report"]
