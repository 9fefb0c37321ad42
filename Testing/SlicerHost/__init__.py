"""A stand-in for the parts of 3D Slicer that the wheel ``slicer-core`` lacks; see README.md."""
