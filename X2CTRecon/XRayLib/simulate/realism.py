"""How far a simulated radiograph is from an ideal one: the parameters of tube, detector and processing, and their draw.

========== ==========================================================================================================
level      what it adds
========== ==========================================================================================================
none       nothing: exact line integrals of one energy, calibrated
mild       what no system avoids: polyenergetic beam (beam hardening, bone apart), scatter behind a grid, quantum and
           electronic noise, detector blur, heel effect; a plain logarithm, no border
hard       stronger of each, or a fluoroscopic dose; grid lines; film-like tone curve, local contrast processing,
           8 bit; collimator borders, black or white; lead markers and burned-in text
========== ==========================================================================================================
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from XRayLib.errors import InputError

LEVELS = ("none", "mild", "hard")


@dataclass(frozen=True)
class Realism:
    """Parameters of one simulated exposure and its processing. Lengths in mm on the detector."""

    level: str = "none"
    kvp: float = 110.0
    filtration_mm_al: float = 3.0
    scatter_to_primary: float = 0.0
    """Mean over the patient, behind the anti-scatter grid."""
    scatter_width_mm: float = 50.0
    photons_per_mm2: float = 1e5
    """Detected in the open beam."""
    electronic_noise: float = 0.0
    """Standard deviation as a share of the open beam."""
    blur_mm: float = 0.0
    """Standard deviation of the detector's point spread."""
    heel: float = 0.0
    """Relative fall of intensity from one edge of the field to the other."""
    heel_direction_rad: float = 0.0
    grid_lines: float = 0.0
    """Amplitude of grid stripes, relative."""
    grid_period_px: float = 4.0
    tone: float = 0.0
    """0 plain logarithm, 1 full film-like S curve."""
    gamma: float = 1.0
    local_contrast: float = 0.0
    """Share of the slow variation (wider than 40 mm) that processing removes."""
    bits: int = 16
    border: str = ""
    """"", "rectangle" or "circle": the collimator's opening."""
    border_fraction: float = 0.0
    """Width of the border as a share of half the field."""
    border_turn_rad: float = 0.0
    border_black: bool = True
    """Blanked to black by the console; False: left as the collimator's shadow, bone bright."""
    marker: str = ""
    """Lead letter."""
    text: str = ""
    """Burned in by the console."""
    bone_dark: bool = False
    """Stored inverted."""

    def as_dict(self) -> dict[str, Any]:
        """JSON values, for provenance."""
        return asdict(self)


def draw_realism(level: str, rng: np.random.Generator) -> Realism:
    """Random parameters of a level ("none", "mild" or "hard")."""
    if level not in LEVELS:
        raise InputError(f"The realism '{level}' is not known: use one of {', '.join(LEVELS)}.")
    if level == "none":
        return Realism()
    hard = level == "hard"
    mild = Realism(
        level=level,
        kvp=float(rng.uniform(60, 125) if hard else rng.uniform(90, 125)),
        filtration_mm_al=float(rng.uniform(2.5, 6.0)),
        scatter_to_primary=float(rng.uniform(0.3, 2.5) if hard else rng.uniform(0.1, 0.6)),
        scatter_width_mm=float(rng.uniform(25, 70)),
        photons_per_mm2=_log_uniform(rng, 3e3, 2e5) if hard else _log_uniform(rng, 5e4, 4e5),
        electronic_noise=float(rng.uniform(0, 2e-3) if hard else rng.uniform(0, 4e-4)),
        blur_mm=float(rng.uniform(0.1, 1.2) if hard else rng.uniform(0.05, 0.4)),
        heel=float(rng.uniform(0, 0.4) if hard else rng.uniform(0, 0.15)),
        heel_direction_rad=float(rng.uniform(0, 2 * np.pi)),
        gamma=float(rng.uniform(0.9, 1.1)),
    )
    return _harder(mild, rng) if hard else mild


def _harder(mild: Realism, rng: np.random.Generator) -> Realism:
    """The processing and the disturbances of the hard level on top."""
    has_border = rng.random() < 0.6
    shown = mild.as_dict() | {
        "grid_lines": float(rng.uniform(0.002, 0.02)) if rng.random() < 0.4 else 0.0,
        "grid_period_px": float(rng.uniform(2.2, 9.0)),
        "tone": float(rng.uniform(0, 1)),
        "gamma": _log_uniform(rng, 0.6, 1.7),
        "local_contrast": float(rng.uniform(0, 0.6)),
        "bits": int(rng.choice([8, 8, 10, 12])),
        "border": str(rng.choice(["rectangle", "rectangle", "circle"])) if has_border else "",
        "border_fraction": float(rng.uniform(0.03, 0.25)) if has_border else 0.0,
        "border_turn_rad": float(rng.normal(0, 0.03)),
        "border_black": bool(rng.random() < 0.6),
        "marker": str(rng.choice(["L", "R"])) if rng.random() < 0.6 else "",
        "text": f"SIM {rng.integers(1000, 9999)}" if rng.random() < 0.4 else "",
        "bone_dark": bool(rng.random() < 0.4),
    }
    return Realism(**shown)


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
