"""MRML in and out: the only place in the shared library that touches the scene. World frame RAS, millimetres."""
