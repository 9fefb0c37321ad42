"""What a user may choose about a rigid registration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from XRayLib.case import Options
from XRayLib.errors import InputError

INITIALISATIONS = ("auto", "given", "landmarks", "search")


@dataclass(frozen=True)
class RigidSettings:
    """Read from ``Options.extra``; every field is also a key there.

    Parameters
    ----------
    initialisation : str
        "given": the case's initial pose. "landmarks": the case's landmark pairs. "search": a grid about the initial or
        nominal pose, without training. "auto": the first of these that the case allows.
    refine : bool
        False returns the best start as it is, judged but not refined.
    refine_intrinsics : bool
        Also find each film's principal point and source distance; needs several views or a film with known detail.
    rotation_range_deg, shift_range_mm, depth_range_mm : float
        How far the search goes each way: about each axis, across the first view, along its central ray.
    """

    initialisation: str = "auto"
    refine: bool = True
    refine_intrinsics: bool = False
    rotation_range_deg: float = 30.0
    shift_range_mm: float = 50.0
    depth_range_mm: float = 100.0

    def __post_init__(self) -> None:
        if self.initialisation not in INITIALISATIONS:
            raise InputError(f"The initialisation must be one of {', '.join(INITIALISATIONS)}.")
        if not (
            0 <= self.rotation_range_deg <= 180 and 0 <= self.shift_range_mm <= 500 and 0 <= self.depth_range_mm <= 500
        ):
            raise InputError("The search range must lie within 180 degrees and 500 mm.")

    @classmethod
    def from_options(cls, options: Options) -> RigidSettings:
        """The settings in ``options.extra``; keys of other methods are left alone.

        Raises InputError for values of the wrong kind.
        """
        chosen: dict[str, Any] = {}
        for name, kind in (
            ("initialisation", str),
            ("refine", bool),
            ("refine_intrinsics", bool),
            ("rotation_range_deg", float),
            ("shift_range_mm", float),
            ("depth_range_mm", float),
        ):
            if name in options.extra:
                value = options.extra[name]
                try:
                    chosen[name] = kind(value)
                except (TypeError, ValueError):
                    raise InputError(f"The option {name} cannot be '{value}'.") from None
        return cls(**chosen)
