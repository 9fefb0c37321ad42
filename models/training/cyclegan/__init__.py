"""CycleGAN (Zhu et al., ICCV 2017, arXiv 1703.10593) between real chest films and simulated ones, in PyTorch.

Written from the paper. Never imported by the modules of the extension: they run the exported ONNX graph.
"""
