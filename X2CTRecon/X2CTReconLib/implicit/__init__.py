"""NeRP's network and its two optimisations. PyTorch; imported only where a reconstruction runs."""
