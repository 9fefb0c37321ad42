"""X2Vision's prior (Cafaro et al., MICCAI 2023): a 3D StyleGAN2 of chest volumes, its training and its export.

Written from the papers. The generator itself is X2CTReconLib.generative.synthesis.
"""
