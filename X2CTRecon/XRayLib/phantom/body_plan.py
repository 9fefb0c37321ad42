"""What makes one phantom differ from another: proportions, tissue, posture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LANDMARK_HEIGHTS = np.array([-230.0, -200, -120, -60, 0, 60, 100, 140, 170, 200, 240])
"""S positions (mm, adult of medium height, carina near +60) at which the tables below are given."""


@dataclass(frozen=True)
class BodyPlan:
    """Proportions of one individual; lengths in mm, factors around 1."""

    height: float = 1.0
    width: float = 1.0
    depth: float = 1.0
    fat_mm: float = 14.0
    muscle: float = 1.0
    breast: float = 0.0
    """0 none to 1 large."""
    heart: float = 1.0
    right_dome_mm: float = -38.0
    left_dome_mm: float = -52.0
    kyphosis_mm: float = 14.0
    scoliosis_mm: float = 0.0
    bone: float = 1.0
    """Factor on the HU of bone above water."""
    blood_hu: float = 42.0
    """Raised by contrast medium."""
    lung_hu: float = -850.0
    gas: float = 0.5
    """Filling of stomach and bowel with gas, 0 to 1."""
    arms: bool = False

    @classmethod
    def drawn(cls, rng: np.random.Generator, arms: bool = False) -> BodyPlan:
        """A random adult: women smaller with breasts, men larger; all else independent."""
        woman = rng.random() < 0.5
        height = rng.normal(0.95 if woman else 1.03, 0.035)
        fat = float(np.clip(rng.lognormal(np.log(15.0), 0.5), 4.0, 45.0))
        contrast = rng.random() < 0.3
        right_dome = rng.normal(-38.0, 12.0)
        return cls(
            height=float(np.clip(height, 0.85, 1.15)),
            width=float(np.clip(rng.normal(0.94 if woman else 1.03, 0.05), 0.8, 1.2)),
            depth=float(np.clip(rng.normal(0.95 if woman else 1.02, 0.06), 0.8, 1.25)),
            fat_mm=fat,
            muscle=float(rng.uniform(0.7, 1.3)),
            breast=float(rng.uniform(0.3, 1.0)) if woman else 0.0,
            heart=float(np.clip(rng.normal(1.0, 0.08), 0.8, 1.3)),
            right_dome_mm=float(right_dome),
            left_dome_mm=float(right_dome - rng.uniform(4.0, 25.0)),
            kyphosis_mm=float(rng.uniform(6.0, 26.0)),
            scoliosis_mm=float(rng.normal(0.0, 3.0)),
            bone=float(rng.uniform(0.7, 1.2)),
            blood_hu=float(rng.uniform(120.0, 320.0) if contrast else rng.uniform(35.0, 50.0)),
            lung_hu=float(rng.uniform(-890.0, -790.0)),
            gas=float(rng.uniform(0.0, 1.0)),
            arms=arms,
        )

    def spine_a_mm(self, s: np.ndarray | float) -> np.ndarray:
        """A position of the vertebral bodies' centres: thoracic kyphosis, cervical and lumbar lordosis."""
        curve = -(41.0 + self.kyphosis_mm) + self.kyphosis_mm * ((np.asarray(s, float) - 10.0) / 115.0) ** 2
        return self.depth * np.minimum(curve, -24.0)

    def spine_r_mm(self, s: np.ndarray | float) -> np.ndarray:
        """R position of the vertebral bodies' centres (scoliosis)."""
        return self.scoliosis_mm * np.sin((np.asarray(s, float) - 20.0) / 60.0)
