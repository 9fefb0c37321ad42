"""Films as the networks of one patient see them: one window of the patient, its contrast, its camera."""
