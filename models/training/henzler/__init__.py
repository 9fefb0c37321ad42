"""Single-image tomography (Henzler et al. 2018, CGF 37(2), arXiv 1710.04867): one film to a volume, all in 2D.

Written from the paper. Never imported by the modules of the extension: they run the exported ONNX graph.
"""
