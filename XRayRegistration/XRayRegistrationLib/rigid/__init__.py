"""Rigid registration of a CT to its X-rays: starts, search, refinement, confidence."""
