"""X2Vision: a generator of chest volumes and what changes its inputs until the volume projects to the films."""
