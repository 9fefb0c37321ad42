"""Mesh networks of one patient: trained on its own CT in motion, opened again for films."""
