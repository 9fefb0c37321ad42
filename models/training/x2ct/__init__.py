"""X2CT-GAN / X2CT-CNN (Ying et al., CVPR 2019, arXiv 1905.06902): networks, losses, data and training, in PyTorch.

Written from the paper and its published settings. Never imported by the modules of the extension: they run the
exported ONNX graphs.
"""

from x2ct.discriminator import PatchDiscriminator3d
from x2ct.generator import CONNECTION_C_AXES, X2CTGenerator

__all__ = ["CONNECTION_C_AXES", "PatchDiscriminator3d", "X2CTGenerator"]
