"""``slicer.app`` and what hangs on it: module manager, layout manager, reading and writing, settings."""
