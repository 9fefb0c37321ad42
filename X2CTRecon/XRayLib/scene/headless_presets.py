"""Volume-rendering presets where Slicer's own preset file is absent, under the names Slicer gives them.

The wheel carries no ``presets.xml``. These transfer functions are written for chest CT and for the softer
reconstructions from two films; they are not copies of Slicer's and look different from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

Knot = tuple[float, float]
ColorKnot = tuple[float, float, float, float]

_BONE_COLORS: tuple[ColorKnot, ...] = (
    (-1024, 0, 0, 0),
    (-200, 0.45, 0.20, 0.15),
    (80, 0.72, 0.35, 0.25),
    (180, 0.86, 0.58, 0.40),
    (400, 0.97, 0.93, 0.84),
    (3071, 1, 1, 1),
)
SHADING = {
    "interpolation": "1",
    "shade": "1",
    "ambient": "0.25",
    "diffuse": "0.75",
    "specular": "0.15",
    "specularPower": "10",
}
PRESETS: dict[str, tuple[tuple[Knot, ...], tuple[ColorKnot, ...]]] = {
    # Scalar opacity by HU; colour (red, green, blue) by HU.
    "CT-AAA": (((-1024, 0), (130, 0), (220, 0.25), (420, 0.6), (3071, 0.85)), _BONE_COLORS),
    "CT-Bone": (((-1024, 0), (170, 0), (320, 0.45), (700, 0.8), (3071, 0.9)), _BONE_COLORS),
    "CT-Chest-Contrast-Enhanced": (
        ((-1024, 0), (-140, 0), (-20, 0.02), (60, 0.06), (180, 0.3), (400, 0.65), (3071, 0.85)),
        _BONE_COLORS,
    ),
    "CT-Lung": (
        ((-1024, 0), (-920, 0), (-780, 0.06), (-600, 0.1), (-400, 0.02), (-200, 0), (3071, 0)),
        ((-1024, 0, 0, 0), (-900, 0.35, 0.55, 0.75), (-600, 0.80, 0.85, 0.90), (-300, 1, 0.85, 0.80), (3071, 1, 1, 1)),
    ),
    "CT-MIP": (((-1024, 0), (-600, 0), (640, 1), (3071, 1)), ((-1024, 0, 0, 0), (-600, 0, 0, 0), (640, 1, 1, 1))),
    "MR-Default": (
        ((0, 0), (20, 0), (40, 0.15), (120, 0.3), (220, 0.38), (1024, 0.5)),
        ((0, 0, 0, 0), (20, 0.17, 0, 0), (40, 0.4, 0.2, 0), (120, 0.78, 0.45, 0.35), (220, 0.8, 0.8, 0.95)),
    ),
}


def write_presets(folder: Path) -> Path:
    """Write ``presets.xml`` as Slicer's volume-rendering logic reads it from its share folder; returns the file."""
    root = ElementTree.Element("MRML")
    for index, (name, (opacity, colors)) in enumerate(PRESETS.items(), start=1):
        ElementTree.SubElement(
            root,
            "VolumeProperty",
            id=f"vtkMRMLVolumePropertyNode{index}",
            name=name,
            scalarOpacity=_function_text(opacity),
            gradientOpacity=_function_text(((0, 1), (255, 1))),
            colorTransfer=_function_text(colors),
            effectiveRange=f"{opacity[0][0]} {opacity[-1][0]}",
            **SHADING,
        )
    path = folder / "presets.xml"
    ElementTree.ElementTree(root).write(path, encoding="UTF-8", xml_declaration=True)
    return path


def _function_text(knots: Sequence[tuple[float, ...]]) -> str:
    """MRML's text of a transfer function: the count of numbers, then the knots."""
    numbers = [number for knot in knots for number in knot]
    return " ".join(f"{number:g}" for number in (len(numbers), *numbers))
