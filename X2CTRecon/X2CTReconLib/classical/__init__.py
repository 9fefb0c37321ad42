"""What the reconstructions without a network share: the box, the settings, the homogeneous start and the result."""
