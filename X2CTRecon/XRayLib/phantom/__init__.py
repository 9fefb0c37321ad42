"""A procedural human torso made by the project: CT in HU and labels, drawn from a seed."""

from XRayLib.phantom.body_plan import BodyPlan
from XRayLib.phantom.sample import sample_torso
from XRayLib.phantom.torso import TorsoPhantom, torso_phantom

__all__ = ["BodyPlan", "TorsoPhantom", "sample_torso", "torso_phantom"]
