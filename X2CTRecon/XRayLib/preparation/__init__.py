"""Networks trained for one patient: on simulated films of the CT, once, before the intervention."""
