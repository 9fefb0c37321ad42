"""Geometry-aware lifting: features of any set of films, sampled where every voxel is seen, to a volume with its
uncertainty and tissue. Never imported by the modules of the extension: they run the exported ONNX graph."""
