"""Regression of a displacement field from a film and the CT's projection, by a network prepared for the patient."""
