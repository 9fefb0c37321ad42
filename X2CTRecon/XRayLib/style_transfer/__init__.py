"""Films processed for reading made to look like the simulated ones that networks learned from, anatomy unmoved."""

from XRayLib.style_transfer.run import OPTION, run_with_style_transfer

__all__ = ["OPTION", "run_with_style_transfer"]
