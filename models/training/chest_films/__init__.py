"""What chest films look like, for the check of inputs (X2CTReconLib/input_check)."""
