"""Label numbers of the phantom: those of TotalSegmentator's class map "total", version 2."""

from __future__ import annotations

SPLEEN, RIGHT_KIDNEY, LEFT_KIDNEY, LIVER, STOMACH = 1, 2, 3, 5, 6
LEFT_UPPER_LOBE, LEFT_LOWER_LOBE, RIGHT_UPPER_LOBE, RIGHT_MIDDLE_LOBE, RIGHT_LOWER_LOBE = 10, 11, 12, 13, 14
TRACHEA, COLON = 16, 20
HEART, AORTA, SUPERIOR_VENA_CAVA, INFERIOR_VENA_CAVA = 51, 52, 62, 63
LEFT_HUMERUS, RIGHT_HUMERUS, LEFT_SCAPULA, RIGHT_SCAPULA, LEFT_CLAVICLE, RIGHT_CLAVICLE = 69, 70, 71, 72, 73, 74
SPINAL_CORD, STERNUM, COSTAL_CARTILAGE = 79, 116, 117

LUNG_LOBES = (LEFT_UPPER_LOBE, LEFT_LOWER_LOBE, RIGHT_UPPER_LOBE, RIGHT_MIDDLE_LOBE, RIGHT_LOWER_LOBE)

VERTEBRAE = {
    "C4": 47,
    "C5": 46,
    "C6": 45,
    "C7": 44,
    **{f"T{n}": 44 - n for n in range(1, 13)},
    **{f"L{n}": 32 - n for n in range(1, 5)},
}


def rib(number: int, right: bool) -> int:
    """Label of rib 1 to 12 of one side."""
    return (103 if right else 91) + number
